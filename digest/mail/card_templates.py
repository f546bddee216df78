"""One paper as the mail shows it: rendered once, then completed with a reason and a token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from digest.choosing import reasons
from digest.models import Curation, EditionPaper
from digest.papers.cards import best_topic, describe
from digest.sources.text import shorten
from subscribers import links
from subscribers.models import Link

from .templates import Fragments, TemplatePair, fragments_of, markers, template_pair
from .wire import ANY_TOKEN, decoded_size, fragment

_SUBJECT_LENGTH = 60
_TEASER_LENGTH = 44
# Intake leaves none of these in a title. Here they could start another header, in the subject that
# a mail service's API gets as well, so this does not rely on it.
_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# A topic's name at its longest, for the heading that a card may get in a weekly digest.
_LONGEST_NAME = fragment("&#x27;" * 60)

# In place of a topic's id, for pinned papers: in a weekly digest they stand under a heading of
# their own.
PINNED = 0

# In an `EncodedCard` with tracked clicks, this stands for the digest's id.
CLICK_MARK = fragment(markers(["click"])["click"])


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """One paper, for all readers.

    The slots of `pair` are `reason`, `vote` (the reader's token) and, if clicks are tracked,
    `click` (the digest's id). `topic_id` is the topic that the paper fits best, if any.
    """

    subject: str
    teaser: Fragments
    topic_id: int | None
    pair: TemplatePair


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """One paper with a reason, for all readers who get it for that reason.

    `text` and `html` are the fragments around the slot `vote`. With tracked clicks they contain
    `CLICK_MARK`. `size` is what the card adds to the HTML, in bytes. `topic_id` says under which
    heading of a weekly digest it belongs.
    """

    subject: str
    teaser: Fragments
    topic_id: int | None
    text: tuple[bytes, ...]
    html: tuple[bytes, ...]
    size: int


def card_template(candidate: EditionPaper, curation: Curation | None = None) -> CardTemplate:
    """Renders the paper in the active language, with what an operator made of it."""
    paper = describe(candidate, curation)
    slots = markers(["reason", "vote", "click"])
    click_url = f"{settings.SITE_URL}/k/{slots['click']}/{candidate.paper_id}"
    context = {
        "paper": paper,
        "paper_url": click_url if paper.url and settings.TRACK_CLICKS else paper.url,
        "note_line": f"{_('Editor’s note')}: {paper.note}",
        "reason": slots["reason"],
        "vote_url": f"{links.url(Link.Purpose.VOTE, slots['vote'])}/{candidate.paper_id}",
    }
    return CardTemplate(
        subject=shorten(_LINE_BREAKS.sub(" ", paper.title), _SUBJECT_LENGTH),
        teaser=fragments_of(shorten(paper.title, _TEASER_LENGTH)),
        topic_id=best_topic(candidate),
        pair=template_pair("card", context),
    )


def encode_card(
    card: CardTemplate, code: str, topic_names: Mapping[int, str], heading: TemplatePair
) -> EncodedCard:
    """Completes the card with the words for a reason code, in the active language."""
    reason = fragments_of(reasons.words(code, topic_names))
    html = card.pair.html.around("vote", {"reason": reason.html, "click": CLICK_MARK})
    longest_heading = heading.html.fill({"topic": _LONGEST_NAME})
    return EncodedCard(
        subject=card.subject,
        teaser=card.teaser,
        # The reader expects the topic that the reason names.
        topic_id=PINNED if code == reasons.PINNED else reasons.topic_of(code) or card.topic_id,
        text=card.pair.text.around("vote", {"reason": reason.text, "click": CLICK_MARK}),
        html=html,
        size=decoded_size(longest_heading + ANY_TOKEN.join(html)),
    )
