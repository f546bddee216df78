from collections.abc import Collection
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

NOTE_LENGTH = 300
SUMMARY_LENGTH = 600


class CurationQuerySet(models.QuerySet["Curation"]):
    def of(self, paper_ids: Collection[int], revision: int | None = None) -> "dict[int, Curation]":
        """Return the newest row of each of these papers, by paper id, as of a `revision` if given.

        One query, or none if there cannot be any.
        """
        if not paper_ids or revision == 0:
            return {}
        rows = self.filter(paper__in=paper_ids)
        if revision is not None:
            rows = rows.filter(pk__lte=revision)
        newest = rows.order_by("paper_id", "-pk").distinct("paper_id")
        return {row.paper_id: row for row in newest if row.paper_id is not None}


class Curation(models.Model):
    """What an operator made of a paper, or of an edition's run. Rows are only ever added.

    A paper's newest row counts. `pin` is its place among the pinned papers, None if it is not one
    of them; `note` stands in its card; `summary` is shown instead of what the paper says itself,
    and without one `shows` says what is; a picture may be hidden.
    That a paper is dropped is also in `Paper.set_aside`, like all that keeps papers out.

    A row's id is a *revision*: digests store the one they were made at, so that they can be made
    again as they were. Rows are added under a lock (``desk.editions.steering``), so no revision
    comes to be seen after a later one.
    """

    class Act(models.TextChoices):
        PIN = "pin", "Pinned"
        UNPIN = "unpin", "Not pinned any more"
        MOVE = "move", "Moved among the pinned"
        DROP = "drop", "Dropped"
        RESTORE = "restore", "Taken back in"
        NOTE = "note", "Note changed"
        SUMMARY = "summary", "Summary changed"
        PICTURE = "picture", "Picture hidden, or shown again"
        STOP = "stop", "The run was stopped"
        START = "start", "The run was started again"

    class Shows(models.TextChoices):
        USUAL = "", _("A machine’s summary if there is one, else the abstract’s sentence")
        ABSTRACT = "abstract", _("The abstract’s sentence")
        NOTHING = "nothing", _("Nothing")

    act = models.CharField(max_length=8, choices=Act)
    paper = models.ForeignKey(
        "digest.Paper", on_delete=models.CASCADE, null=True, related_name="curations"
    )
    edition = models.ForeignKey(
        "digest.Edition", on_delete=models.CASCADE, null=True, related_name="curations"
    )
    pin = models.PositiveSmallIntegerField(null=True)
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    summary = models.CharField(max_length=SUMMARY_LENGTH, blank=True)
    shows = models.CharField(
        max_length=8, choices=Shows, blank=True, default=Shows.USUAL, db_default=""
    )
    hides_picture = models.BooleanField(default=False, db_default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(db_default=Now())

    objects: ClassVar = CurationQuerySet.as_manager()

    # An expression to be read along with other things.
    REVISION = "(SELECT coalesce(max(id), 0) FROM digest_curation)"

    class Meta:
        # The admin shows these rows on the edition's page; nobody edits them.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.get_act_display()}"
