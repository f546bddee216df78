"""One paper as the mail shows it: rendered once, then completed with a reason and a token."""

import re
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext as _

from digest.choosing import reasons
from digest.models import Curation, EditionPaper
from digest.papers.cards import PaperCard, best_topic, describe, picture_url
from digest.sources.text import shorten
from subscribers import links
from subscribers.models import Link

from .templates import Fragments, TemplatePair, WireTemplate, fragments_of, markers, template_pair
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


# What stands around the tokens of one card.
Pieces = tuple[bytes, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """One paper, for all readers.

    The slots of `pair` are `reason`, `vote` twice and then `save` (the reader's tokens) and, if
    clicks are tracked, `click` (the digest's id). `topic_id` is the topic that the paper fits best,
    if any.
    """

    subject: str
    teaser: Fragments
    topic_id: int | None
    pair: TemplatePair


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """One paper with a reason, for all readers who get it for that reason.

    `text` and `html` are the fragments around the slots `vote`, `vote` and `save`. With tracked
    clicks they contain `CLICK_MARK`. `size` is what the card adds to the HTML, in bytes. `topic_id`
    says under which heading of a weekly digest it belongs.
    """

    subject: str
    teaser: Fragments
    topic_id: int | None
    text: Pieces
    html: Pieces
    size: int


def card_template(
    candidate: EditionPaper, curation: Curation | None = None, *, has_picture: bool = False
) -> CardTemplate:
    """Renders the paper in the active language, with what an operator made of it, and with its
    picture of the time at which the edition closed if that is wanted."""
    slots = markers(["reason", "vote", "save", "click"])
    paper = describe(candidate, curation)
    if settings.TRACK_CLICKS:
        paper = _with_clicks(paper, f"{settings.SITE_URL}/k/{slots['click']}/{candidate.paper_id}")
    context = {
        "paper": paper,
        "picture_url": picture_url(candidate.picture, curation) if has_picture else "",
        "note_line": f"{_('Editor’s note')}: {paper.note}",
        "reason": slots["reason"],
        "vote_url": f"{links.url(Link.Purpose.VOTE, slots['vote'])}/{candidate.paper_id}",
        "save_url": f"{links.url(Link.Purpose.SAVED, slots['save'])}/{candidate.paper_id}",
    }
    return CardTemplate(
        subject=shorten(_LINE_BREAKS.sub(" ", paper.title), _SUBJECT_LENGTH),
        teaser=fragments_of(shorten(paper.title, _TEASER_LENGTH)),
        topic_id=best_topic(candidate),
        pair=template_pair("card", context),
    )


def _with_clicks(paper: PaperCard, address: str) -> PaperCard:
    """Returns the card with our own address for the paper, which leads to it."""
    pdf_url = f"{address}?to=pdf" if paper.pdf_url else ""
    return replace(paper, url=address if paper.url else "", pdf_url=pdf_url)


def encode_card(
    card: CardTemplate, code: str, reason: Fragments, heading: TemplatePair
) -> EncodedCard:
    """Completes the card with the reason that belongs to the code."""
    html = _around_tokens(card.pair.html, reason.html)
    longest_heading = heading.html.fill({"topic": _LONGEST_NAME})
    return EncodedCard(
        subject=card.subject,
        teaser=card.teaser,
        # The reader expects the topic that the reason names.
        topic_id=PINNED if code == reasons.PINNED else reasons.topic_of(code) or card.topic_id,
        text=_around_tokens(card.pair.text, reason.text),
        html=html,
        size=decoded_size(longest_heading + ANY_TOKEN.join(html)),
    )


def _around_tokens(card: WireTemplate, reason: bytes) -> Pieces:
    """Returns what stands before, between and behind the card's three tokens."""
    vote, save = (mark.encode() for mark in markers(["vote", "save"]).values())
    text = card.fill({"reason": reason, "click": CLICK_MARK, "vote": vote, "save": save})
    before, behind = text.split(save)
    first, second, third = before.split(vote)
    return first, second, third, behind
