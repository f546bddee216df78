from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from .paper import Paper


class EditionQuerySet(models.QuerySet["Edition"]):
    def closed(self) -> Self:
        """Frozen: digests are made from these only."""
        return self.exclude(closed_at=None)

    def open(self) -> Self:
        """Still filling; at most one."""
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


class EditionPaper(models.Model):
    """A candidate: a paper in an edition, with the figures it had when the edition closed.

    A paper is a candidate of one edition only, which is half of "never the same paper twice".
    `fits` maps a topic's id (as text, for it is JSON) to the paper's fit, 0 to 1.
    """

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="candidates")
    paper = models.OneToOneField(Paper, on_delete=models.PROTECT, related_name="candidate")
    votes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    fits = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.paper)
