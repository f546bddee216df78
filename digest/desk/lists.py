"""Lists of the admin over tables of any size: nothing of them reads a whole table.

Django counts the rows for its page numbers, and for the dates above a list it reads all of them.
Here a large table has the number that PostgreSQL estimates; what a filter leaves is counted up to a
limit, for a moment. A filter or a search that no index helps, and that would read for longer than
somebody should wait, is given up, and the page says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from subscribers.database import fetch

# Smaller tables are counted.
LARGE = 50_000
# Each row of a page takes the template a millisecond or two.
ROWS = 50
# Nobody turns more pages than these.
MOST = 10_000
_COUNTING_MS = 60
_READING_MS = 150


def quicken(shown: "ModelAdmin[Any]") -> None:
    """Have this list count quickly, whatever its class says."""
    vars(shown).update(
        paginator=QuickPaginator,
        list_per_page=ROWS,
        show_full_result_count=False,
        get_changelist=lambda _request, **_: QuickChangeList,
    )


def estimate(model: type[Model]) -> int:
    """Return about how many rows there are, without reading them."""
    table = model._meta.db_table
    ((rows,),) = fetch("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])
    return int(rows)


class QuickPaginator(Paginator):  # type: ignore[type-arg]  # as Django's admin has it
    """Counts no more than it must."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        if not rows.query.where and (number := estimate(rows.model)) > LARGE:
            return number
        try:
            with _for_no_longer_than(_COUNTING_MS):
                return rows.order_by()[: MOST + 1].count()
        except OperationalError:
            return MOST


class QuickChangeList(ChangeList):
    """Has no dates above a large table that has no index for them, and reads its rows in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        of = self.date_hierarchy
        if of and not _is_indexed(self.model, of) and estimate(self.model) > LARGE:
            self.date_hierarchy = None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = cast("QuerySet[Any]", self.result_list)
        if not rows.query.where:
            return  # in the order of an index
        try:
            with _for_no_longer_than(_READING_MS):
                len(rows)  # keeps what it has read
        except OperationalError:
            self.result_list, self.result_count = rows.none(), 0
            messages.warning(
                request,
                _("To find these, too many rows would have to be read. Please narrow it down."),
            )


@contextmanager
def _for_no_longer_than(milliseconds: int) -> Iterator[None]:
    """Have PostgreSQL end a slower statement of this block, which raises OperationalError."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {milliseconds}")
        yield
        cursor.execute("SET LOCAL statement_timeout = DEFAULT")


def _is_indexed(model: type[Model], name: str) -> bool:
    field: Any = model._meta.get_field(name)
    firsts = {index.fields[0].lstrip("-") for index in model._meta.indexes if index.fields}
    return bool(field.db_index or field.unique or name in firsts)
