"""Ways between the private pages, each of which has a token of its own."""

import re

from django.urls import reverse

from subscribers import links
from subscribers.models import Link

_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(/rest)?", re.ASCII)


def back_to(link: Link, asked: str, paper_id: int) -> str:
    """Return the path of the private page that a form names as the one it was on, "" if none.

    `asked` is the day of a digest, perhaps with "/rest" behind it, or "saved".
    """
    match = _DAY.fullmatch(asked)
    if match is None and asked != "saved":
        return ""
    beside = links.beside(link)
    if match is None:
        return reverse("digest:saved", args=[beside.saved]) if beside.saved else ""
    name = "digest:rest" if match[2] else "digest:read"
    return f"{reverse(name, args=[beside.read, match[1]])}#paper-{paper_id}" if beside.read else ""
