"""Muting a topic, and showing which topics and authors of a paper are muted.

Muting an author is `subscribers.wishes.terms.mute_author`: the preferences page does it too.
"""

from collections.abc import Iterable

from subscribers.comparing.names import is_match
from subscribers.models import Subscriber, Subscription, Term, Topic


def mute_topic(subscriber: Subscriber, topic: Topic) -> int | None:
    """Stop sending papers on the topic.

    Returns the topic's previous emphasis, or None if the reader did not follow it. Pass that to
    `unmute_topic` to undo.
    """
    before = Subscription.objects.filter(subscriber=subscriber, topic=topic).first()
    Subscription.objects.update_or_create(
        subscriber=subscriber, topic=topic, defaults={"emphasis": Subscription.Emphasis.MUTED}
    )
    subscriber.mark_changed()
    return before.emphasis if before else None


def unmute_topic(subscriber: Subscriber, topic: Topic, before: int | None) -> None:
    """Undo `mute_topic`. Changes nothing if the topic is not muted."""
    muted = Subscription.objects.filter(
        subscriber=subscriber, topic=topic, emphasis=Subscription.Emphasis.MUTED
    )
    if before is None:
        muted.delete()
    else:
        muted.update(emphasis=before)
    subscriber.mark_changed()


def muted_topics(subscriber: Subscriber) -> set[int]:
    """Return the ids of the topics that the reader has muted."""
    muted = Subscription.objects.filter(subscriber=subscriber, emphasis=Subscription.Emphasis.MUTED)
    return set(muted.values_list("topic_id", flat=True))


def muted_authors(subscriber: Subscriber, names: Iterable[str]) -> set[str]:
    """Return those of the names that the reader has muted."""
    muted = list(
        Term.objects.filter(
            subscriber=subscriber, kind=Term.Kind.AUTHOR, is_muted=True
        ).values_list("text", flat=True)
    )
    return {name for name in names if any(is_match(text, name) for text in muted)}
