"""Which system wrote a file, and what its columns and states mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_ADDRESSES = frozenset(
    {
        *("email", "e-mail", "mail", "email address", "e-mail address", "email_address"),
        *("e-mail 1 - value", "emailaddress", "address", "subscriber email", "courriel"),
        *("e-mail-adresse", "email-adresse", "mailadresse"),
    }
)


class Wish(StrEnum):
    """What a row says about its person."""

    ACTIVE = "active"
    LEFT = "left"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    BLOCKED = "blocked"
    UNCONFIRMED = "unconfirmed"
    UNKNOWN = "unknown"
    NOTHING = "nothing"


# Whole words, never parts: "inactive" is not "active", and "resubscribed" would be unknown.
_STATES = {
    Wish.ACTIVE: "subscribed enabled active confirmed regular premium gifted trialed churning "
    "paused past_due free paid comp complimentary",
    Wish.LEFT: "unsubscribed disabled inactive left removed archived deleted opted_out optedout "
    "unsubscribe cancelled canceled",
    Wish.BOUNCED: "bounced cleaned unreachable undeliverable hard_bounced hard_bounce invalid",
    Wish.COMPLAINED: "complained complaint spam reported abuse",
    Wish.BLOCKED: "blocklisted blacklisted blocked suppressed banned spammy refused manual",
    Wish.UNCONFIRMED: "unconfirmed pending unactivated nonsubscribed non-subscribed transactional "
    "not_confirmed unpaid",
}
_BY_WORD = {word: wish for wish, words in _STATES.items() for word in words.split()}
_YES = frozenset({"true", "yes", "1", "t", "y"})
_NO = frozenset({"false", "no", "0", "f", "n"})


@dataclass(frozen=True, slots=True)
class System:
    """One system's files: the columns that give it away, and our names for those that we use.

    `needs` are alternatives: a file with all columns of one of them is this system's.
    """

    name: str
    needs: Sequence[frozenset[str]]
    columns: Mapping[str, str]
    note: str = ""


def _needs(*alternatives: str) -> Sequence[frozenset[str]]:
    return [frozenset(one.split(", ")) for one in alternatives]


_OURS = (
    *("state", "suppressed", "zone", "hour", "frequency", "weekday", "length", "language"),
    *("is_exploring", "paused_until", "topics", "keywords", "muted_keywords", "authors"),
    *("muted_authors", "confirmed_at"),
)
_PLAIN = {name: name for name in _OURS} | {
    **{"status": "state", "subscribed": "is_subscribed", "timezone": "zone", "time zone": "zone"},
    **{"tags": "topics", "created_at": "confirmed_at", "subscribed_at": "confirmed_at"},
    **{"unsubscribed_at": "left_at", "unsubscribed": "is_left", "confirmed": "is_subscribed"},
}
SYSTEMS = (
    System(
        "listmonk",
        _needs("uuid, email, attributes, status"),
        {"email": "email", "status": "state", "created_at": "confirmed_at"},
        "listmonk's file does not say who has unsubscribed from a list: export the list with the "
        "subscription status “subscribed” only.",
    ),
    System(
        "mailchimp",
        _needs("email address, member_rating", "email address, leid", "email address, optin_time"),
        {
            **{"email address": "email", "confirm_time": "confirmed_at", "timezone": "zone"},
            **{"unsub_time": "left_at", "clean_time": "bounced_at", "unsub_reason": "left_because"},
            "status": "state",
        },
    ),
    System(
        "substack",
        _needs("email, active_subscription", "email, email_disabled"),
        {"email": "email", "email_disabled": "is_left", "created_at": "confirmed_at"},
    ),
    System(
        "buttondown",
        _needs(
            *("email_address, type", "email_address, subscriber_type"),
            *("email_address, creation_date", "email, subscriber_type"),
        ),
        {
            **{"email_address": "email", "email": "email", "type": "state"},
            **{"subscriber_type": "state", "creation_date": "confirmed_at"},
            **{"unsubscription_date": "left_at"},
        },
    ),
    System(
        "ghost",
        _needs("email, subscribed_to_emails"),
        {
            **{"email": "email", "subscribed_to_emails": "is_subscribed", "deleted_at": "left_at"},
            **{"created_at": "confirmed_at"},
        },
    ),
    System(
        "keila",
        _needs("email, external id", "email, first name, last name, status"),
        {"email": "email", "status": "state"},
    ),
    System("plain", (), dict.fromkeys(sorted(_ADDRESSES), "email") | _PLAIN),
)
NAMES = tuple(system.name for system in SYSTEMS)
FIELDS = frozenset(
    {"email", "is_subscribed", "is_left", "left_at", "bounced_at", "left_because", *_OURS}
)
# Of these it only matters whether there is anything.
ONLY_WHETHER = frozenset({"left_at", "bounced_at"})


class BadColumns(ValueError):
    """The columns cannot be understood. The message is for the operator."""


def recognized(header: Sequence[str]) -> System:
    """Return the system whose columns these are, else the plain one."""
    names = {_folded(name) for name in header}
    for system in SYSTEMS:
        if any(needed <= names for needed in system.needs):
            return system
    return SYSTEMS[-1]


def named(name: str) -> System:
    return next(system for system in SYSTEMS if system.name == name)


def is_header(cells: Sequence[str]) -> bool:
    """Return whether this is a header, and not the first person of a file that has none."""
    return not any("@" in cell for cell in cells)


def header_of(cells: Sequence[str]) -> Sequence[str]:
    """Return a header for a file that has none, which may be nothing but a list of addresses."""
    if len(cells) > 1:
        raise BadColumns("The first row has an address in it. It must name the columns.")
    return ["email"]


def places(system: System, header: Sequence[str], mapped: Mapping[str, str]) -> dict[str, int]:
    """Return where each field stands. `mapped` (column to field) outweighs what the system says.

    Raises `BadColumns` if no column has the addresses, or if it is not clear which.
    """
    names = [_folded(name) for name in header]
    chosen = {_folded(column): field for column, field in mapped.items()}
    _check(chosen, names, header)
    found: dict[str, int] = {}
    # A field's own name outweighs other names for it.
    aliases = {name: field for name, field in system.columns.items() if name != field}
    for wanted in (chosen, {field: field for field in system.columns.values()}, aliases):
        outweighed = set(found)
        for place, name in enumerate(names):
            field = wanted.get(name, "-")
            if field == "-" or field in outweighed or (name in chosen and wanted is not chosen):
                continue
            _add(found, field, place, header)
    if "email" not in found:
        raise BadColumns(
            f"No column has the addresses. There are {', '.join(map(repr, header[:20]))}. Say "
            "which it is with --map COLUMN=email."
        )
    return found


def _add(found: dict[str, int], field: str, place: int, header: Sequence[str]) -> None:
    if field not in found:
        found[field] = place
    elif field != "confirmed_at":
        raise BadColumns(
            f"Both {header[found[field]]!r} and {header[place]!r} would be the field “{field}”. "
            "Leave one out with --map COLUMN=-."
        )


def _check(chosen: Mapping[str, str], names: Sequence[str], header: Sequence[str]) -> None:
    for column, field in chosen.items():
        if column not in names:
            raise BadColumns(
                f"There is no column {column!r}. There are {', '.join(map(repr, header[:20]))}."
            )
        if field not in FIELDS | {"-"}:
            raise BadColumns(f"There is no field {field!r}. There are {', '.join(sorted(FIELDS))}.")


def wish_of(cells: Mapping[str, str]) -> Wish:
    """Return what a row says about its person, by the fields that tell. The worst one counts."""
    wishes = [
        *(_state(cells[name]) for name in ("state",) if name in cells),
        *(_flag(cells[name], Wish.ACTIVE, Wish.LEFT) for name in _in(cells, "is_subscribed")),
        *(_flag(cells[name], Wish.LEFT, Wish.ACTIVE) for name in _in(cells, "is_left")),
        *(Wish.LEFT for name in _in(cells, "left_at") if cells[name]),
        *(Wish.BOUNCED for name in _in(cells, "bounced_at") if cells[name]),
        *(_state(cells[name]) for name in _in(cells, "suppressed") if cells[name]),
    ]
    if wishes and any(word in cells.get("left_because", "").lower() for word in ("spam", "abuse")):
        wishes.append(Wish.COMPLAINED)
    if not wishes:
        # Only those who left or bounced have these columns: an empty cell is not consent.
        return Wish.NOTHING if {"bounced_at", "left_because"} & cells.keys() else Wish.ACTIVE
    return min(wishes, key=_WEIGHTS.index)


_WEIGHTS = (
    *(Wish.COMPLAINED, Wish.BLOCKED, Wish.BOUNCED, Wish.LEFT),
    *(Wish.UNKNOWN, Wish.NOTHING, Wish.UNCONFIRMED, Wish.ACTIVE),
)


def _in(cells: Mapping[str, str], name: str) -> tuple[str, ...]:
    return (name,) if name in cells else ()


def _state(text: str) -> Wish:
    if not text:
        return Wish.NOTHING
    return _BY_WORD.get(text.lower().replace(" ", "_"), Wish.UNKNOWN)


def _flag(text: str, yes: Wish, no: Wish) -> Wish:
    if text.lower() in _YES:
        return yes
    return no if text.lower() in _NO else Wish.NOTHING if not text else Wish.UNKNOWN


def _folded(name: str) -> str:
    return " ".join(name.strip(" \t\r\n\xa0\ufeff'\"").lower().split())
