"""The views of imports and the export."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from uuid import uuid4

from celery.exceptions import OperationalError as CeleryError
from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError as BrokerError

from digest.desk import audit
from digest.desk.access.roles import require
from subscribers import tasks
from subscribers.importing import exporting, reading, uploads
from subscribers.models import Import, ImportFile, ImportRow

from . import sending, words
from .forms import OptionsForm
from .sending import IMPORT, REFUSED

VIEW, EXPORT = "subscribers.view_import", "subscribers.export_readers"
State = ImportFile.State
# How many imports, and rows of a report, a page shows.
PAGE, ROWS = 30, 100
REFRESH_SECONDS = 3
Guard = Callable[[Any], Any]


def urls(guard: Guard) -> list[URLPattern]:
    return [
        path("imports/", guard(history), name="imports"),
        path("imports/whole/", guard(sending.send_whole), name="import_whole"),
        path("imports/begin/", guard(sending.begin), name="import_begin"),
        path("imports/<int:pk>/", guard(show), name="import_file"),
        path("imports/<int:pk>/act/", guard(act), name="import_act"),
        path(
            "imports/<int:pk>/pieces/<int:number>/", guard(sending.add_piece), name="import_piece"
        ),
        path("imports/<int:pk>/complete/", guard(sending.complete), name="import_complete"),
        path("imports/<int:pk>/rows/", guard(rows), name="import_rows"),
        path("imports/<int:pk>/rows.csv", guard(report), name="import_report"),
        path("imports/undo/<int:pk>/", guard(undo), name="import_undo"),
        path("imports/export/", guard(export), name="export_readers"),
    ]


# --- the history ---------------------------------------------------------------------------
@csp_update({"connect-src": [SELF]})
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Show what was imported, and by whom, and take another file."""
    require(request, VIEW)
    may = {"import": request.user.has_perm(IMPORT), "export": request.user.has_perm(EXPORT)}
    page = _number(request, "page", most=1000) or 1
    imports = list(Import.objects.order_by("-pk")[(page - 1) * PAGE : page * PAGE + 1])
    is_undoing = any(one.undo_asked_at and not one.undone_at for one in imports)
    context = {
        **admin.site.each_context(request),
        "title": _("Import and export"),
        "imports": [
            (one, words.outcomes(one.counts), words.undone(one.counts)) for one in imports[:PAGE]
        ],
        "page": page,
        "has_more": len(imports) > PAGE,
        "files": ImportFile.objects.exclude(state=State.DONE).order_by("-pk")[:PAGE],
        "may": may,
        "key": uuid4(),
        "most": uploads.MOST_BYTES // 1_000_000,
        "refresh_seconds": REFRESH_SECONDS if is_undoing else None,
    }
    return TemplateResponse(request, "admin/imports/history.html", context)


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a worker undo an import. Safe to repeat."""
    require(request, IMPORT)
    imported = get_object_or_404(Import, pk=pk)
    asked = Import.objects.filter(pk=pk, undo_asked_at=None, undone_at=None)
    with transaction.atomic():
        is_new = bool(asked.update(undo_asked_at=timezone.now()))
        result = audit.DONE if is_new else audit.SAME
        audit.record(request, "import.undo", on=imported, result=result)
    if is_new:
        messages.success(request, _("A worker removes the readers who have done nothing since."))
        _ring(request)
    else:
        messages.info(request, _("Nothing changed: it was like that already."))
    return redirect("admin:imports")


@require_POST
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Stream all readers as CSV. No cell is a formula."""
    require(request, EXPORT)
    audit.record(request, "reader.export_all")
    name = f"readers-{timezone.now():%Y-%m-%d}.csv"
    return _download(exporting.COLUMNS, exporting.lines(), name)


# --- a file --------------------------------------------------------------------------------
@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, VIEW)
    return _shown(request, get_object_or_404(ImportFile, pk=pk))


def _shown(request: HttpRequest, file: ImportFile, form: OptionsForm | None = None) -> HttpResponse:
    is_busy = file.state in {State.CHECKING, State.IMPORTING}
    may_import = request.user.has_perm(IMPORT)
    is_open = may_import and file.state in {State.READY, State.CHECKED, State.FAILED}
    context = {
        **admin.site.each_context(request),
        "title": _("File %(name)s") % {"name": file.name},
        "file": file,
        "options": uploads.options_of(file),
        "outcomes": words.outcomes(file.counts),
        "total": sum(file.counts.values()),
        "percent": round(100 * file.done),
        "form": form or (OptionsForm(file) if is_open and file.header else None),
        "note": _note_of(file),
        "may_import": may_import,
        "refresh_seconds": REFRESH_SECONDS if is_busy else None,
    }
    return TemplateResponse(request, "admin/imports/file.html", context)


def _note_of(file: ImportFile) -> str:
    """What must be known of the files of this system."""
    if file.options.get("system") != "listmonk":
        return ""
    return _(
        "listmonk’s file does not say who has unsubscribed from a list: export the list with the "
        "subscription status “subscribed” only."
    )


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Have the file checked or imported, or drop it. Safe to repeat."""
    require(request, IMPORT)
    file = ImportFile.objects.filter(pk=pk).first()
    if file is None:  # dropped before
        return redirect("admin:imports")
    match request.POST.get("act"):
        case "check":
            return _check(request, file)
        case "start":
            _do(request, file, lambda: uploads.ask(file, State.IMPORTING))
        case "drop":
            _do(request, file, lambda: uploads.drop(file))
        case _:
            raise Http404("There is no such button.")
    is_there = ImportFile.objects.filter(pk=pk).exists()
    return redirect("admin:import_file", pk) if is_there else redirect("admin:imports")


def _check(request: HttpRequest, file: ImportFile) -> HttpResponse:
    form = OptionsForm(file, request.POST)
    if not form.is_valid():
        return _shown(request, file, form)
    try:
        options = form.options()
    except REFUSED as error:
        form.add_error(None, str(error))
        return _shown(request, file, form)
    _do(request, file, lambda: uploads.ask(file, State.CHECKING, options))
    return redirect("admin:import_file", file.pk)


def _do(request: HttpRequest, file: ImportFile, does: Callable[[], bool]) -> None:
    """Do what a button says, write it down, and have a worker begin."""
    name, on = request.POST["act"], (ImportFile._meta.label_lower, file.pk)
    with transaction.atomic():
        is_new = does()
        result = audit.DONE if is_new else audit.SAME
        audit.record(request, f"import.{name}", on=on, result=result)
    if not is_new:
        messages.info(request, _("Nothing changed: it was like that already."))
    elif name == "drop":
        messages.success(request, _("The file is forgotten."))
    else:
        _ring(request)


def _ring(request: HttpRequest) -> None:
    try:
        tasks.import_readers.delay()
    except (BrokerError, CeleryError):
        messages.warning(request, _("Redis cannot be reached, so it begins once it is back."))


# --- the report ----------------------------------------------------------------------------
@require_safe
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what becomes of each row, from the row in the address on, perhaps of one outcome."""
    require(request, VIEW)
    file = get_object_or_404(ImportFile, pk=pk)
    outcome = request.GET.get("outcome", "")
    found = _rows(file, outcome, _number(request, "after", most=10**9))
    listed = list(found[: ROWS + 1])
    context = {
        **admin.site.each_context(request),
        "title": _("File %(name)s, row by row") % {"name": file.name},
        "file": file,
        "rows": [(row.number, *words.in_words(row)) for row in listed[:ROWS]],
        "outcomes": words.outcomes(file.counts),
        "outcome": outcome,
        "following": listed[ROWS - 1].number if len(listed) > ROWS else None,
    }
    return TemplateResponse(request, "admin/imports/rows.html", context)


def _rows(file: ImportFile, outcome: str, after: int) -> Any:
    found = ImportRow.objects.filter(file=file, number__gt=after).order_by("number")
    return found.filter(judgement=outcome) if outcome in words.OUTCOMES else found


@require_safe
def report(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Stream the same for all rows as CSV. No cell is a formula."""
    require(request, VIEW)
    file = get_object_or_404(ImportFile, pk=pk)
    header = (_("row"), _("what"), _("why"), _("the file says"), _("note"))
    lines = (
        [reading.harmless(str(cell)) for cell in (row.number, *words.in_words(row))]
        for row in _rows(file, "", 0).iterator()
    )
    return _download(header, lines, f"import-{pk}.csv")


class _Echo:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def _download(
    header: Sequence[str], lines: Iterable[Sequence[str]], name: str
) -> StreamingHttpResponse:
    writer = csv.writer(_Echo())
    written = (writer.writerow(line) for line in chain([header], lines))
    response = StreamingHttpResponse(_joined(written), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _joined(lines: Iterator[str], many: int = 500) -> Iterator[str]:
    """Join lines, since each part of an answer costs more than the line itself."""
    # With its mark: spreadsheets take UTF-8 without one for something else.
    part = ["\ufeff"]
    for line in lines:
        part.append(line)
        if len(part) >= many:
            yield "".join(part)
            part.clear()
    yield "".join(part)


def _number(request: HttpRequest, name: str, *, most: int) -> int:
    asked = request.GET.get(name, "")
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 11
    return min(int(asked), most) if is_number else 0
