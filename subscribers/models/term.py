from django.db import models


class Term(models.Model):
    """A keyword or an author that a subscriber follows or mutes.

    `text` is what the reader typed; `key` is for comparing, without case, accents or extra spaces.
    """

    class Kind(models.TextChoices):
        KEYWORD = "keyword", "Keyword"
        AUTHOR = "author", "Author"

    subscriber = models.ForeignKey(
        "subscribers.Subscriber", on_delete=models.CASCADE, related_name="terms"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.CharField(max_length=80)
    key = models.CharField(max_length=80, editable=False)
    is_muted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "kind", "key"], name="one_term_of_a_kind")
        ]

    def __str__(self) -> str:
        return f"{'– ' if self.is_muted else ''}{self.text}"
