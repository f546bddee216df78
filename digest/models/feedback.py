"""What readers tell us about papers: by voting, by following a link, or by keeping them."""

from django.db import models
from django.utils import timezone


class Vote(models.Model):
    """One reader's vote on one paper: more or less like this. The latest vote counts."""

    class Value(models.IntegerChoices):
        LESS = -1, "Less like this"
        MORE = 1, "More like this"

    class Origin(models.TextChoices):
        MAIL = "mail", "On the page linked from a mail"
        EXAMPLE = "example", "Picked as an example of what to send"
        IMPORT = "import", "From the reader's own library"
        RATING = "rating", "On the page that asks which papers to read first"

    subscriber = models.ForeignKey(
        "subscribers.Subscriber", on_delete=models.CASCADE, related_name="votes"
    )
    paper = models.ForeignKey("digest.Paper", on_delete=models.CASCADE, related_name="reader_votes")
    value = models.SmallIntegerField(choices=Value)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.MAIL)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "paper"], name="one_vote_a_paper")
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.get_value_display()}"


class Click(models.Model):
    """A person or a program followed a paper's link in a digest.

    Stores ids only. Clicks are counted only if the operator turns `TRACK_CLICKS` on.
    """

    digest = models.ForeignKey("digest.Digest", on_delete=models.CASCADE, related_name="clicks")
    paper = models.ForeignKey("digest.Paper", on_delete=models.CASCADE, related_name="clicks")
    at = models.DateTimeField(default=timezone.now)
    is_machine = models.BooleanField(
        default=False, help_text="Part of a burst that only a scanner would make."
    )

    class Meta:
        indexes = [models.Index(fields=["digest", "at"], name="click_in_digest")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class Saved(models.Model):
    """A paper that a reader keeps, with a note of their own. It says nothing to the ranking."""

    NOTE_LENGTH = 2000

    subscriber = models.ForeignKey(
        "subscribers.Subscriber", on_delete=models.CASCADE, related_name="saved"
    )
    paper = models.ForeignKey("digest.Paper", on_delete=models.CASCADE, related_name="+")
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "paper"], name="one_saved_a_paper")
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} keeps {self.paper_id}"
