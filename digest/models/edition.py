from collections.abc import Collection
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from .paper import Paper


class EditionQuerySet(models.QuerySet["Edition"]):
    def closed(self) -> Self:
        """Frozen editions, the only ones that digests are made from."""
        return self.exclude(closed_at=None)

    def open(self) -> Self:
        """The edition that is still filling; there is at most one."""
        return self.filter(closed_at=None)

    def held(self) -> Self:
        """The open edition, if it is held: it does not close at its hour."""
        return self.open().exclude(hold_rule="")


class Edition(models.Model):
    """The papers of one day, the same for all readers, frozen when it closes.

    The open one may be held: it then does not close at its hour (``papers.holding``). `approved_at`
    says that an operator wants it to close all the same. Once it has closed, an operator may stop
    its run: nobody else gets a digest from it.
    """

    class HoldRule(models.TextChoices):
        OPERATOR = "operator", "Held by an operator"
        THIN = "thin", "Thin: too few papers"
        STALE = "stale", "Stale: no good look at any source"

    date = models.DateField(unique=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    hold_rule = models.CharField(max_length=8, choices=HoldRule, blank=True, db_default="")
    hold_reason = models.CharField(max_length=200, blank=True, db_default="")
    held_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    papers = models.ManyToManyField(Paper, through="digest.EditionPaper", related_name="editions")

    objects: ClassVar = EditionQuerySet.as_manager()

    class Meta:
        ordering = ["-date"]
        constraints = [
            models.UniqueConstraint(
                models.F("closed_at"),
                condition=models.Q(closed_at=None),
                nulls_distinct=False,
                name="one_open_edition",
            )
        ]
        permissions = [
            ("run_edition", "Can close, send, pause and stop an edition"),
            ("preview_edition", "Can preview a digest as any reader"),
            ("test_edition", "Can send test mails"),
        ]

    def __str__(self) -> str:
        return _("Edition of %(day)s") % {"day": self.date}


class EditionPaperQuerySet(models.QuerySet["EditionPaper"]):
    def public(self) -> Self:
        """Candidates of closed editions, which everybody may read about, with their editions.

        Those that an operator dropped are left out, and so are the large fields that pages never
        show, for searching and for ranking.
        """
        closed = self.exclude(edition__closed_at=None).kept().select_related("paper", "edition")
        return closed.defer("paper__search", "paper__names", "paper__features")

    def kept(self) -> Self:
        """Candidates that no operator dropped."""
        return self.exclude(paper__set_aside=Paper.Aside.DROPPED)

    def by_paper(self, paper_ids: Collection[int]) -> dict[int, "EditionPaper"]:
        """Return the candidates for these papers by paper id, in one query."""
        candidates = self.select_related("paper").filter(paper__in=paper_ids)
        return {candidate.paper_id: candidate for candidate in candidates}


class EditionPaper(models.Model):
    """A candidate: a paper in an edition, with the figures it had when the edition closed.

    A paper is a candidate in one edition only, which is half of "never the same paper twice".
    `fits` maps a topic's id (a string, as JSON keys are) to the paper's fit, 0 to 1. `sentences` is
    what is said of the paper (``papers.sentences``), and `picture` the name of its picture.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="candidates")
    paper = models.OneToOneField(Paper, on_delete=models.PROTECT, related_name="candidate")
    votes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    fits = models.JSONField(default=dict)
    sentences = models.JSONField(default=dict, db_default={})
    picture = models.CharField(max_length=40, blank=True, default="", db_default="")

    objects: ClassVar = EditionPaperQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.paper)
