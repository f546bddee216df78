"""What a trouble is: something that a person should know of."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from django_stubs_ext import StrOrPromise

# The keys of those that others look for.
DATABASE, REDIS, TICK, STUCK = "database", "redis", "tick", "stuck"


class Action(NamedTuple):
    """A link, or a button that posts if it `is_post`; for those with the `permission`.

    The `url` is best one that is made when somebody sees it, since the admin is loaded for that.

    A button posts `act`, if there is one, and asks the `question` first, if there is one.
    """

    url: StrOrPromise
    label: str
    permission: str
    is_post: bool = False
    act: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should know of. `key` stays the same while it lasts.

    Whoever `is_told` of it gets a message once it has lasted for `patience`. It can only be seen
    while what it `needs` is up, by key.
    """

    key: str
    words: str
    advice: str
    is_urgent: bool = True
    action: Action | None = None
    is_told: bool = True
    patience: timedelta = timedelta(0)
    needs: tuple[str, ...] = (DATABASE,)
