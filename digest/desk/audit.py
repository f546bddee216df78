"""The log of what operators did: `record` adds a row, in the transaction that is open.

    with transaction.atomic():
        hold.release()
        audit.record(request, "hold.release", on=hold)

What is done is then in the log, and what is rolled back is not. An attempt that was refused is
recorded after the rollback, with `result=REFUSED`. The log has no address of a reader in it, so
erasing a reader leaves nothing here but a number; whatever looks like an address is left out.

Curations (``digest.models.Curation``) say what became of a paper, which mails are made by. The log
says who pressed what from where, and repeats none of their texts.
"""

from typing import Any, NamedTuple, TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model
from django.http import HttpRequest

from digest.delivery.outcomes.outcome import without_addresses
from digest.models import AuditEntry
from subscribers.joining import abuse

Result: TypeAlias = AuditEntry.Result
Via: TypeAlias = AuditEntry.Via
DONE, SAME, REFUSED, FAILED = Result.DONE, Result.SAME, Result.REFUSED, Result.FAILED
# Details are a few words.
_MOST_LETTERS = 200
_MOST_PARTS = 20


class Actor(NamedTuple):
    """Who acts, where there is no request of an operator who is logged in.

    A token of the API is `Actor(user.pk, "alice (token 5)", Via.API, network_of(request))`.
    """

    id: int | None
    name: str
    via: Via = Via.PAGE
    network: str = ""


COMMAND = Actor(None, "manage.py", Via.COMMAND)


def record(
    by: HttpRequest | AbstractBaseUser | AnonymousUser | Actor,
    act: str,
    *,
    on: Model | AnonymousUser | tuple[str, object] | None = None,
    result: Result = DONE,
    **details: Any,
) -> AuditEntry:
    """Add a row: who did what on which object. `act` is a noun and a verb, such as "hold.release".

    The object may also be given as its kind and its key: `("digest.edition", "2026-11-27")`.
    """
    actor = _actor(by)
    kind, key = _object(on)
    return AuditEntry.objects.create(
        by_id=actor.id,
        by_name=_short(actor.name, 150),
        via=actor.via,
        network=actor.network[:50],
        act=act[:60],
        kind=kind[:40],
        key=without_addresses(key)[:60],
        result=result,
        details={name: _plain(value) for name, value in details.items()},
    )


def network_of(request: HttpRequest) -> str:
    """The visitor's network, or "local"."""
    meta = request.META
    client = abuse.client_of(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""))
    return abuse.network_of(client) or "local"


def _actor(by: HttpRequest | AbstractBaseUser | AnonymousUser | Actor) -> Actor:
    if isinstance(by, Actor):
        return by
    if isinstance(by, HttpRequest):
        return _actor_of(getattr(by, "user", None), network_of(by))
    return _actor_of(by, "")


def _actor_of(user: Any, network: str) -> Actor:
    if user is None or not user.is_authenticated:
        return Actor(None, "", network=network)
    return Actor(user.pk, user.get_username(), network=network)


def _object(on: Model | AnonymousUser | tuple[str, object] | None) -> tuple[str, str]:
    if on is None or isinstance(on, AnonymousUser):
        return "", ""
    if isinstance(on, Model):
        return on._meta.label_lower, str(on.pk)
    return on[0], str(on[1])


def _plain(value: Any) -> Any:
    """A value as JSON knows it, short and without addresses."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in list(value)[:_MOST_PARTS]]
    if isinstance(value, dict):
        return {
            _short(without_addresses(str(name)), 60): _plain(one)
            for name, one in list(value.items())[:_MOST_PARTS]
        }
    return _short(without_addresses(str(value)), _MOST_LETTERS)


def _short(text: str, most: int) -> str:
    return text.replace("\0", "")[:most]
