"""Sessions of operators, stored by the hash of their key.

A copy of the database, such as a backup, then opens the admin to nobody: what the browser sends
cannot be computed from what is stored. Django's own store keeps the key itself.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone


class SessionStore(DatabaseStore):
    """``SESSION_ENGINE = "deploy.sessions"``."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        valid = self.model.objects.filter(expire_date__gt=timezone.now())
        found: AbstractBaseSession | None = valid.filter(
            session_key=stored(self.session_key or "")
        ).first()
        if found is None:
            self._session_key = None
        return found

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        made: AbstractBaseSession = super().create_model_instance(data)
        made.session_key = stored(made.session_key)
        return made

    def exists(self, session_key: str) -> bool:
        return super().exists(stored(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(stored(key))


def stored(key: str) -> str:
    """Return what is stored instead of the key. Keys have 160 random bits and need no salt."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()[:40]
