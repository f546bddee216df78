from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext


class Topic(models.Model):
    """Something a person can follow. Papers are matched to its name, description and terms, or as
    `matched_by` says."""

    class MatchedBy(models.TextChoices):
        WORDS = "words", "Its words"
        LEARNT = "learnt", "Learnt weights, and its words"
        REST = "rest", "Fitting no other topic"

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=200)
    seed_terms = ArrayField(
        models.CharField(max_length=80),
        default=list,
        blank=True,
        help_text="Words and two-word terms that papers on this topic use, separated by commas.",
    )
    matched_by = models.CharField(
        max_length=6,
        choices=MatchedBy,
        default=MatchedBy.WORDS,
        db_default=MatchedBy.WORDS,
        help_text=(
            "Weights were learnt for the topics that came with Broadsheet; its words then "
            "count only where they fit well. Other topics are matched by their words."
        ),
    )
    position = models.PositiveSmallIntegerField(default=100)
    is_offered = models.BooleanField(
        default=True,
        help_text="Shown on the sign-up form. If unchecked, readers who follow it keep it.",
    )

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name as a reader sees it. Starter topics are translated."""
        return gettext(self.name)

    @property
    def about(self) -> str:
        """The description as a reader sees it."""
        return gettext(self.description)

    @classmethod
    def labels(cls) -> dict[int, str]:
        """The labels of all topics by id, in the active language."""
        return {topic.pk: topic.label for topic in cls.objects.only("name")}


class Subscription(models.Model):
    """How a subscriber feels about a topic: follow, more, less, or never. Neutral has no row."""

    class Emphasis(models.IntegerChoices):
        MUTED = -2, "Never"
        LESS = -1, "Less"
        NORMAL = 0, "Follow"
        MORE = 1, "More"

    subscriber = models.ForeignKey("subscribers.Subscriber", on_delete=models.CASCADE)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE)
    # The default is the database's own, because readers are also loaded with COPY.
    emphasis = models.SmallIntegerField(choices=Emphasis, db_default=Emphasis.NORMAL)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "topic"], name="one_subscription_a_topic")
        ]

    def __str__(self) -> str:
        return f"{self.topic.label}: {self.get_emphasis_display()}"
