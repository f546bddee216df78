from django.db import models
from django.utils import timezone


class Import(models.Model):
    """One file of readers from another system: who brought it, on what basis, what came of it.

    `Consent` and `Suppression` name their import. One that has not finished was interrupted: what
    it brought until then is there, and can be undone; the same file can be imported again.
    """

    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=150, blank=True)
    system = models.CharField(max_length=20)
    basis = models.TextField(
        blank=True, help_text="Why its readers may be written to: how and when they consented."
    )
    counts = models.JSONField(default=dict, help_text="How many rows of the file by their outcome.")

    def __str__(self) -> str:
        return f"Import {self.pk} from {self.system}, {self.started_at:%Y-%m-%d %H:%M}"
