from collections.abc import Collection
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from .paper import Paper


class EditionQuerySet(models.QuerySet["Edition"]):
    def closed(self) -> Self:
        """Frozen editions, the only ones that digests are made from."""
        return self.exclude(closed_at=None)

    def open(self) -> Self:
        """The edition that is still filling; there is at most one."""
        return self.filter(closed_at=None)


class Edition(models.Model):
    """The papers of one day, the same for all readers, frozen when it closes."""

    date = models.DateField(unique=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
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

    def __str__(self) -> str:
        return f"Edition of {self.date:%Y-%m-%d}"


class EditionPaperQuerySet(models.QuerySet["EditionPaper"]):
    def public(self) -> Self:
        """Candidates of closed editions, which everybody may read about, with their editions.

        The large fields that pages never show, for searching and for ranking, are left out.
        """
        closed = self.exclude(edition__closed_at=None).select_related("paper", "edition")
        return closed.defer("paper__search", "paper__names", "paper__features")

    def by_paper(self, paper_ids: Collection[int]) -> dict[int, "EditionPaper"]:
        """Return the candidates for these papers by paper id, in one query."""
        candidates = self.select_related("paper").filter(paper__in=paper_ids)
        return {candidate.paper_id: candidate for candidate in candidates}


class EditionPaper(models.Model):
    """A candidate: a paper in an edition, with the figures it had when the edition closed.

    A paper is a candidate in one edition only, which is half of "never the same paper twice".
    `fits` maps a topic's id (a string, as JSON keys are) to the paper's fit, 0 to 1.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="candidates")
    paper = models.OneToOneField(Paper, on_delete=models.PROTECT, related_name="candidate")
    votes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    fits = models.JSONField(default=dict)

    objects: ClassVar = EditionPaperQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.paper)
