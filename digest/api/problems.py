"""Errors as RFC 9457 has them, in words that say what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

MEDIA_TYPE = "application/problem+json"
# Each operation may answer with these; others are listed with it.
COMMON = frozenset({400, 401, 403, 422, 429})


class FieldError(Schema):
    field: str = Field(description="Where it is: a path such as `body.hour`.")
    message: str


class Problem(Schema):
    """What is wrong, and what to do about it."""

    type: str = Field(description="Always `about:blank`: the status tells the kind.")
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default=[], description="One for each field that is wrong.")


class ApiError(Exception):
    """An answer other than success. The detail is for whoever wrote the calling program."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.headers = errors or {}, headers or {}


def not_found(what: str) -> ApiError:
    return ApiError(404, f"There is no such {what}. Take its id from the list.")


def invalid(errors: Mapping[str, str]) -> ApiError:
    return ApiError(422, "Correct the fields named in “errors”.", errors)


def check_given(changes: Mapping[str, Any], *, except_for: Sequence[str] = ()) -> None:
    """Refuse null where it means nothing."""
    empty = [name for name, value in changes.items() if value is None and name not in except_for]
    if empty:
        raise invalid({f"body.{name}": "Leave it out, or give a value." for name in empty})


def of_model(error: DjangoValidationError) -> ApiError:
    """What Django says about the fields of a row."""
    return invalid({f"body.{name}": " ".join(said) for name, said in error.message_dict.items()})


def response(
    status: int,
    detail: str,
    errors: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    said = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"field": name, "message": text} for name, text in (errors or {}).items()],
    }
    return JsonResponse(said, status=status, content_type=MEDIA_TYPE, headers=headers or {})


def handle_all(api: NinjaAPI) -> None:
    """Have the API answer every error as a problem."""

    @api.exception_handler(ApiError)
    def api_error(_: HttpRequest, error: ApiError) -> JsonResponse:
        return response(error.status, error.detail, error.errors, error.headers)

    @api.exception_handler(AuthenticationError)
    def unknown(_: HttpRequest, error: AuthenticationError) -> JsonResponse:
        detail = "Send a token of this site in the header “Authorization: Bearer …”."
        return response(401, detail, headers={"WWW-Authenticate": "Bearer"})

    @api.exception_handler(ValidationError)
    def unfit(_: HttpRequest, error: ValidationError) -> JsonResponse:
        return response(422, "Correct the fields named in “errors”.", _fields(error.errors))

    @api.exception_handler(HttpError)
    def unreadable(_: HttpRequest, error: HttpError) -> JsonResponse:
        return response(error.status_code, "Send one JSON document, in UTF-8, as the body.")

    @api.exception_handler(Http404)
    def missing(_: HttpRequest, error: Http404) -> JsonResponse:
        return response(404, "There is nothing here. See the documentation at /api/v1/docs.")


def _fields(errors: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Where each error is. The names that the library adds for its own ends are left out."""
    found: dict[str, str] = {}
    for error in errors:
        place = [str(part) for part in error["loc"]]
        if place[:1] == ["body"] and len(place) > 2:
            place = ["body", *place[2:]]
        found.setdefault(".".join(place), error["msg"])
    return found
