"""Tokens, and a client that uses one."""

import json
from typing import Any

from django.test import Client

from digest.models import Scope, Token
from digest.models.outside import new_key


def make_token(*scopes: Scope, **fields: Any) -> tuple[Token, str]:
    """A token with these scopes, or all of them, and its key."""
    key, key_hash, hint = new_key()
    said = {"name": "A CRM", "key_hash": key_hash, "hint": hint, **fields}
    return Token.objects.create(scopes=list(scopes or Scope.values), **said), key


class Caller:
    """Calls the API with a token."""

    def __init__(self, *scopes: Scope, **fields: Any) -> None:
        self.token, self.key = make_token(*scopes, **fields)
        self._client = Client(headers={"Authorization": f"Bearer {self.key}"})

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.generic(
            method,
            f"/api/v1/{path}",
            data="" if body is None else json.dumps(body),
            content_type="application/json",
        )

    def all(self, path: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            sign = "&" if "?" in path else "?"
            page = self("GET", f"{path}{sign}limit=3&cursor={cursor}")
            assert page.status_code == 200, page.content
            found += page.json()["items"]
            cursor = page.json()["next"]
        return found
