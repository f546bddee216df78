"""Editions, with their papers and what became of the digests made from them."""

from collections.abc import Mapping, Sequence
from datetime import date

from django.db.models import Count
from ninja import Router

from digest.models import Edition, EditionPaper, Paper, Scope
from subscribers.database import fetch
from subscribers.models import Topic

from .access import Bearer, Request
from .paging import Cursor, Limit, Page, cursor_of, day, keys_of, paged
from .problems import Problem, not_found
from .schemas import EditionDetail, EditionOut, Json

router = Router(tags=["Editions"])
_READ = Bearer(Scope.READ_EDITIONS)
_PLAIN = ("date", "opened_at", "closed_at", "hold_rule", "hold_reason", "stopped_at")


@router.get("", auth=_READ, response=Page[EditionOut], summary="List editions")
def list_editions(request: Request, limit: Limit = 50, cursor: Cursor = "") -> Json:
    """Editions, the newest first; the first may still be open."""
    rows = Edition.objects.order_by("-date")
    if last := keys_of(cursor, day):
        rows = rows.filter(date__lt=last[0])
    page, following = paged(rows, limit, lambda row: cursor_of(row.date))
    return {"items": _shown(page), "next": following}


@router.get(
    "/{day}", auth=_READ, response={200: EditionDetail, 404: Problem}, summary="One edition"
)
def get_edition(request: Request, day: date) -> Json:
    """An edition with its papers, in the order in which they came. An open one has none yet."""
    edition = Edition.objects.filter(date=day).first()
    if edition is None:
        raise not_found("edition")
    slugs = dict(Topic.objects.values_list("pk", "slug"))
    rows = EditionPaper.objects.filter(edition=edition).select_related("paper")
    rows = rows.defer("paper__search", "paper__names", "paper__features").order_by("pk")
    (shown,) = _shown([edition])
    return shown | {"candidates": [_paper(row, slugs) for row in rows]}


def _paper(row: EditionPaper, slugs: Mapping[int, str]) -> Json:
    fits = {slugs[int(pk)]: fit for pk, fit in row.fits.items() if int(pk) in slugs}
    return {
        **{name: getattr(row.paper, name) for name in ("id", "key", "title", "url")},
        "votes": row.votes,
        "comments": row.comments,
        "topics": fits,
        "is_dropped": row.paper.set_aside == Paper.Aside.DROPPED,
    }


def _shown(rows: Sequence[Edition]) -> list[Json]:
    ids = [row.pk for row in rows]
    held = EditionPaper.objects.filter(edition__in=ids).values_list("edition")
    papers = dict(held.annotate(number=Count("pk")))
    states: dict[int, dict[str, int]] = {}
    for pk, state, number in fetch(_STATES, [ids]):
        states.setdefault(pk, {})[state] = number
    return [
        {name: getattr(row, name) for name in _PLAIN}
        | {"papers": papers.get(row.pk, 0), "digests": states.get(row.pk, {})}
        for row in rows
    ]


# Sums that are kept (``models.counts``): the digests themselves are too many to be counted.
_STATES = """
SELECT edition, state, sum(number)::bigint FROM digest_digestcount
WHERE edition = ANY(%s) GROUP BY 1, 2 HAVING sum(number) <> 0 ORDER BY 1, 2
"""
