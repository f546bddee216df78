"""The requests with which a browser sends a file: its row, its pieces, and that it is complete.

A script sends pieces that fit into a request. Without one, a form sends a small file as a whole.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from digest.desk import audit
from digest.desk.access.roles import require
from subscribers.importing import reading, systems, uploads
from subscribers.models import ImportFile

IMPORT = "subscribers.import_readers"
REFUSED = (uploads.BadUpload, reading.UnreadableFile, systems.BadColumns)
View = Callable[..., HttpResponse]


def _answering(view: View) -> View:
    """Decorator: for those who may import; what is wrong with a file is said in JSON."""

    @require_POST
    @wraps(view)
    def answered(request: HttpRequest, **found: Any) -> HttpResponse:
        require(request, IMPORT)
        try:
            return view(request, **found)
        except REFUSED as error:
            return JsonResponse({"problem": str(error)}, status=400)

    return answered


@_answering
def begin(request: HttpRequest) -> HttpResponse:
    """Make the row of a file, and say where its pieces go."""
    file = _begun(request, request.POST.get("name", ""), request.POST.get("size", ""))
    return JsonResponse(
        {
            "piece": uploads.PIECE,
            "pieces": reverse("admin:import_piece", args=[file.pk, 0]).removesuffix("0/"),
            "complete": reverse("admin:import_complete", args=[file.pk]),
        }
    )


@_answering
def add_piece(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    uploads.add(_of(request, pk), number, request.body)
    return HttpResponse(status=204)


@_answering
def complete(request: HttpRequest, pk: int) -> HttpResponse:
    file = _of(request, pk)
    uploads.complete(file)
    return JsonResponse({"page": reverse("admin:import_file", args=[pk])})


@require_POST
def send_whole(request: HttpRequest) -> HttpResponse:
    """Take a small file from a form, for browsers without scripts."""
    require(request, IMPORT)
    given = request.FILES.get("file")
    if given is None:
        messages.error(request, _("Choose a file first."))
        return redirect("admin:imports")
    try:
        content = given.read()
        file = _begun(request, given.name or "", str(len(content)))
        for number in range(0, len(content), uploads.PIECE):
            uploads.add(file, number // uploads.PIECE, content[number : number + uploads.PIECE])
        uploads.complete(file)
    except REFUSED as error:
        messages.error(request, str(error))
        return redirect("admin:imports")
    return redirect("admin:import_file", file.pk)


def _begun(request: HttpRequest, name: str, size: str) -> ImportFile:
    try:
        key = UUID(request.POST.get("key", ""))
    except ValueError as error:
        raise uploads.BadUpload(_("Load the page again, please.")) from error
    number = int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0
    by = request.user.get_username()
    with transaction.atomic():
        is_new = not ImportFile.objects.filter(key=key).exists()
        file = uploads.begin(key, name, number, by)
        if is_new:
            audit.record(request, "import.upload", on=file, size=number)
    return file


def _of(request: HttpRequest, pk: int) -> ImportFile:
    """One's own upload: nobody adds to that of somebody else."""
    return get_object_or_404(ImportFile, pk=pk, by=request.user.get_username())
