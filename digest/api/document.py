"""The OpenAPI document, and the page that shows it to people without a script."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI

from digest.models import Kind, Scope

from .problems import MEDIA_TYPE
from .schemas import Json

_PATH = "/api/v1/"
_REF = "#/components/schemas/"


@cache
def document(api: NinjaAPI) -> Json:
    """Return the document of the API: what the library makes, with what it cannot know."""
    made = dict(api.get_openapi_schema(path_prefix=_PATH.strip("/") + "/"))
    made["servers"] = [{"url": settings.SITE_URL}]
    for operation in _operations(made):
        operation["responses"] = {str(key): one for key, one in operation["responses"].items()}
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                _make_problem(answer)
    return made


def _make_problem(answer: dict[str, Any]) -> None:
    answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}}


def _operations(made: Json) -> Iterator[dict[str, Any]]:
    for path in made["paths"].values():
        yield from path.values()


# --- the page ------------------------------------------------------------------------------
def page(request: HttpRequest, api: NinjaAPI) -> HttpResponse:
    """Show the document: each operation with its fields, and one example."""
    made = document(api)
    schemas = made["components"]["schemas"]
    sections: dict[str, list[Json]] = {}
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            (tag,) = operation["tags"]
            sections.setdefault(tag, []).append(_shown(method, path, operation, schemas))
    context = {
        "sections": sections,
        "scopes": [(scope.value, scope.label) for scope in Scope],
        "kinds": [(kind.value, kind.label) for kind in Kind],
        "site": settings.SITE_URL,
        "per_minute": settings.API_PER_MINUTE,
    }
    return render(request, "digest/api/docs.html", context)


def _shown(method: str, path: str, operation: Json, schemas: Json) -> Json:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    good = next(one for status, one in operation["responses"].items() if status < "300")
    answer = good.get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "paragraphs": _paragraphs(operation.get("description", "")),
        "scopes": operation.get("x-scopes", []),
        "parameters": [_field(one["name"], one["schema"], one) for one in operation["parameters"]],
        "body": _fields(body.get("schema", {}), schemas),
        "answer": _fields(answer.get("schema", {}), schemas),
        "statuses": sorted(operation["responses"]),
    }


def _fields(schema: Json, schemas: Json) -> list[Json]:
    """The fields of an object; of a page, those of its items."""
    resolved = _resolved(schema, schemas)
    properties = resolved.get("properties", {})
    if "items" in properties and "next" in properties:
        return _fields(properties["items"]["items"], schemas)
    required = resolved.get("required", ())
    return [_field(name, one, {"required": name in required}) for name, one in properties.items()]


def _field(name: str, schema: Json, said: Mapping[str, Any]) -> Json:
    return {
        "name": name,
        "kind": _kind(schema),
        "is_required": said.get("required", False),
        "description": " ".join(_paragraphs(schema.get("description", ""))),
    }


def _paragraphs(text: str) -> list[str]:
    """The text as people read it, who need no marks around names."""
    return [" ".join(part.replace("`", "").split()) for part in text.split("\n\n") if part]


def _resolved(schema: Json, schemas: Json) -> Json:
    name = schema.get("$ref", "").removeprefix(_REF)
    found: Json = schemas[name] if name else schema
    return found


def _kind(schema: Json) -> str:
    """The type of a value in a few words."""
    if ref := schema.get("$ref"):
        return str(ref).removeprefix(_REF)
    if choices := schema.get("enum"):
        return " | ".join(map(str, choices))
    if options := schema.get("anyOf"):
        return " | ".join(map(_kind, options))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return f"object of {_kind(schema.get('additionalProperties', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))
