from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from subscribers.comparing import fulltext, names


def authors_line_of(authors: str) -> models.Func:
    """Return an expression for the authors in this field as one text, to compare spellings."""
    return models.Func(authors, function="digest_authors", output_field=models.TextField())


class WordsField(SearchVectorField[Any, Any]):
    """What the paper's texts can be found by, made whenever the paper is saved.

    ``bulk_update`` writes what it is given, so it needs `Paper.make_searchable` before it.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        assert isinstance(model_instance, Paper)
        model_instance.make_searchable()
        return super().pre_save(model_instance, add)


class Paper(models.Model):
    """A publication we keep, once, however many sources list it.

    `key` identifies it across all sources (``arxiv:2405.15738``, ``doi:…``, ``url:…``).
    `title_key` is the title without case and punctuation, to recognize a paper that two sources
    list under different keys. Texts are presentable: intake has turned LaTeX into plain
    characters. `votes` and `comments` are the newest figures seen. `summary` is what the source's
    own machine, `summary_by`, says of it. `picture` is the name of the stored picture that was made
    from `thumbnail_url`, if there is one. `set_aside` says why a paper is not mailed.
    """

    class Aside(models.TextChoices):
        """Why a paper goes into no edition, and into no digest."""

        OLD = "old", "It was old when it was first seen"
        WITHDRAWN = "withdrawn", "It was withdrawn"
        DROPPED = "dropped", "An operator dropped it"

    # Those that nobody gets, even if they are in a closed edition.
    GONE = (Aside.WITHDRAWN, Aside.DROPPED)

    key = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=400)
    title_key = models.CharField(max_length=400, db_index=True, editable=False)
    abstract = models.TextField()
    authors = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    num_authors = models.PositiveIntegerField(default=0)
    url = models.URLField(max_length=600)
    published_at = models.DateTimeField(null=True, blank=True)
    categories = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    keywords = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    code_url = models.URLField(max_length=600, blank=True)
    project_url = models.URLField(max_length=600, blank=True, default="", db_default="")
    organization = models.CharField(max_length=200, blank=True)
    summary = models.TextField(
        blank=True, default="", db_default="", help_text="A machine's, as the source gives it."
    )
    summary_by = models.CharField(max_length=120, blank=True, default="", db_default="")
    thumbnail_url = models.URLField(max_length=600, blank=True, default="", db_default="")
    picture = models.CharField(max_length=40, blank=True, default="", db_default="", editable=False)
    votes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    features = models.BinaryField(
        null=True, editable=False, help_text="What it is about, as numbers: see matching."
    )
    first_source = models.CharField(max_length=40)
    source_title = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        help_text="What the source calls itself, where it has a name for this paper's list: "
        "a feed's title.",
    )
    set_aside = models.CharField(
        max_length=10, choices=Aside, blank=True, default="", db_default=""
    )
    first_seen_at = models.DateTimeField(default=timezone.now, db_index=True)
    changed_at = models.DateTimeField(default=timezone.now)
    # What it can be found by: its words, and the names of its authors (`make_searchable`).
    search = WordsField(null=True, editable=False)
    names = ArrayField(models.TextField(), default=list, db_default=[], editable=False)
    topics = models.ManyToManyField(
        "subscribers.Topic", through="digest.PaperTopic", related_name="papers"
    )

    class Meta:
        indexes = [
            GinIndex(fields=["search"], name="paper_search"),
            GinIndex(OpClass("title", name="gin_trgm_ops"), name="paper_title_trigrams"),
            GinIndex(fields=["names"], name="paper_names"),
            models.Index(fields=["picture"], condition=~models.Q(picture=""), name="paper_picture"),
            models.Index(
                fields=["set_aside"], condition=~models.Q(set_aside=""), name="paper_set_aside"
            ),
            models.Index(fields=["first_source", "-id"], name="paper_source"),
            models.Index(fields=["-id"], condition=models.Q(code_url__gt=""), name="paper_code"),
            GinIndex(
                OpClass(authors_line_of("authors"), name="gin_trgm_ops"),
                name="paper_author_trigrams",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def make_searchable(self) -> None:
        """Set what the paper can be found by, from its title, abstract and authors."""
        self.search = fulltext.vector(self.title, self.abstract)
        self.names = names.keys_of_all(self.authors)


class PaperKey(models.Model):
    """Another name of a paper: its DOI beside its arXiv id, a former address, a feed's own id.

    It recognizes the paper when a source lists it in another way.
    """

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="other_keys")
    key = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.key


class PaperTopic(models.Model):
    """How well a paper fits a topic, 0 to 1. Only pairs that fit have a row."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE)
    topic = models.ForeignKey("subscribers.Topic", on_delete=models.CASCADE)
    fit = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["paper", "topic"], name="one_fit_a_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.topic.label}: {self.fit:.0%}"


class Sighting(models.Model):
    """A paper's votes and comments at one time, from one source. Two of them give its velocity."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="sightings")
    source = models.CharField(max_length=40)
    at = models.DateTimeField(default=timezone.now)
    votes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["paper", "at"], name="sighting_of_paper")]

    def __str__(self) -> str:
        return f"{self.source}, {self.at:%Y-%m-%d %H:%M}"


class Picture(models.Model):
    """What came of fetching a paper's thumbnail. The row is there before it is tried."""

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, related_name="picture_tries")
    tries = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(db_default=Now())
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Picture of {self.paper_id}: {self.problem or 'stored'}"


class Summary(models.Model):
    """What the operator's language model made of a paper in one language, asked for once.

    The row is there before the request, so that a killed worker asks no more than it may. `text`
    is empty until there is one that passed all checks; once `is_settled`, it is not asked for
    again.
    """

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="summaries")
    language = models.CharField(max_length=7)
    text = models.CharField(max_length=400, blank=True)
    model = models.CharField(max_length=120)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    is_settled = models.BooleanField(default=False)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "language"], name="one_summary_a_paper_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"Summary of {self.paper_id} in {self.language}"


class SummaryDay(models.Model):
    """What was asked of the language model on one day (UTC), and how many tokens that took.

    Tokens are reserved before a request, at the most that it can take, and corrected after it.
    Until `wait_until` the model is not asked.
    """

    day = models.DateField(unique=True)
    requests = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    wait_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.requests} requests and {self.tokens} tokens on {self.day:%Y-%m-%d}"


class Look(models.Model):
    """One request to a source and its outcome, to tell a quiet day from a broken source."""

    class Outcome(models.TextChoices):
        OK = "ok", "Papers came in"
        QUIET = "quiet", "The source had nothing for this day"
        STALE = "stale", "Only papers that we knew: perhaps not published yet"
        FAILED = "failed", "The source could not be read"

    source = models.CharField(max_length=40)
    day = models.DateField(null=True, blank=True, help_text="The day that was asked for, if one.")
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=8, choices=Outcome)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0, help_text="Entries that were left out.")
    message = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["source", "-at"], name="look_at_source")]

    def __str__(self) -> str:
        return f"{self.source}, {self.at:%Y-%m-%d %H:%M}: {self.get_outcome_display()}"


class Validator(models.Model):
    """What a feed's address answered with, to ask it only for what has changed since."""

    address = models.CharField(max_length=64, unique=True, help_text="The SHA-256 of the address.")
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.address[:8]} at {self.at:%Y-%m-%d %H:%M}"
