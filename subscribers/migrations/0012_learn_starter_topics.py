"""Starter topics are matched by learnt weights, and there are two more of them."""

from importlib import import_module
from typing import Any

from django.db import migrations, models
from django.utils.translation import gettext_noop as _

_first = import_module("subscribers.migrations.0002_add_starter_topics")
StarterTopic, STARTER_TOPICS = _first.StarterTopic, _first.STARTER_TOPICS

DEEP_RESEARCH = StarterTopic(
    slug="deep-research",
    name=_("Deep research and search agents"),
    description=_(
        "Agents that find out: deep research, agentic search, browsing the web for evidence, multi-hop questions, written reports."
    ),
    seed_terms="""
        deep research, deepresearch, deep search, deepsearch, search agent, research agent,
        agentic search, web search, web browsing, browsing agent, browsecomp, information seeking,
        multi-hop question, multi-hop reasoning, search-augmented, search tool, search query,
        agentic rag, agentic retrieval, open web, web agent, research report, literature review,
        evidence gathering, search trajectory, search-r1, web page, long-form report
    """,
)
REST = StarterTopic(
    slug="other",
    name=_("Other subjects"),
    description=_("Everything else: papers that fit none of the other topics."),
    seed_terms="",
)
# Last on the form, after an operator's own topics, which are at 100 unless they say otherwise.
_LAST = 1000


def terms_of(topic: Any) -> list[str]:
    found = (" ".join(term.split()) for term in topic.seed_terms.split(","))
    return [term for term in found if term]


def starter_topics() -> list[Any]:
    """Return the topics of a new site, in the order of the form."""
    before = [topic.slug for topic in STARTER_TOPICS].index("agents") + 1
    return [*STARTER_TOPICS[:before], DEEP_RESEARCH, *STARTER_TOPICS[before:], REST]


def learn_topics(apps: Any, schema_editor: Any) -> None:
    """Safe to repeat: what an operator has changed or made stays as it is.

    A topic whose words an operator has changed goes on being matched by these words.
    """
    Topic = apps.get_model("subscribers", "Topic")
    for topic in STARTER_TOPICS:
        untouched = Topic.objects.filter(slug=topic.slug, seed_terms=terms_of(topic))
        untouched.update(matched_by="learnt")
    # The same place as agents: the name decides, so it comes right after them.
    agents = Topic.objects.filter(slug="agents").values_list("position", flat=True).first()
    Topic.objects.bulk_create(
        [
            Topic(
                slug=topic.slug,
                name=topic.name,
                description=topic.description,
                seed_terms=terms_of(topic),
                matched_by=matched_by,
                position=position,
            )
            for topic, matched_by, position in (
                (DEEP_RESEARCH, "learnt", _LAST if agents is None else agents),
                (REST, "rest", _LAST),
            )
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0011_drop_the_index_for_like")]

    operations = [
        migrations.AddField(
            model_name="topic",
            name="matched_by",
            field=models.CharField(
                choices=[
                    ("words", "Its words"),
                    ("learnt", "Learnt weights, and its words"),
                    ("rest", "Fitting no other topic"),
                ],
                db_default="words",
                default="words",
                help_text=(
                    "Weights were learnt for the topics that came with Broadsheet; its words then "
                    "count only where they fit well. Other topics are matched by their words."
                ),
                max_length=6,
            ),
        ),
        migrations.RunPython(learn_topics, migrations.RunPython.noop),
    ]
