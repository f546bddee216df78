"""The press: what all readers of an edition share, made once and kept by each worker.

A reader's digest is chosen from a `Window`, the editions since their last digest. For a
window the press holds the candidates as arrays for ranking, and the mail as forms with slots
for the personal parts, encoded for the wire, so that one more reader costs only the joining
of bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache

import css_inline
import numpy as np
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import escape

from subscribers.models import Topic

from . import cards, reasons
from .models import Edition, EditionPaper
from .ranking.rank import Candidates
from .slots import Form, markers
from .wire import fragment

# Stored with each digest. Raise it when a change of the templates changes what a mail says.
TEMPLATE_VERSION = "1"

PERSONAL = ("preheader", "intro", "cards", "unsubscribe_url", "preferences_url")


@dataclass(frozen=True, slots=True)
class Window:
    """The editions a reader may be served from: those after `since`, up to edition_id's own."""

    edition_id: int
    since: date


@dataclass(frozen=True, slots=True)
class Card:
    """One paper as it stands in a mail; `reason` is the only slot of its forms."""

    title: str
    html: Form
    text: Form


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """A card with its reason, as fragments for the wire."""

    html: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Press:
    """What the readers of one window share. `cards` is by paper id."""

    edition_date: date
    candidates: Candidates
    cards: Mapping[int, Card]
    topic_names: Mapping[int, str]
    html: Form
    text: Form
    _encoded_cards: dict[tuple[int, str], EncodedCard] = field(default_factory=dict)

    def encoded_card(self, paper_id: int, code: str) -> EncodedCard:
        """A paper's card with the reason that `code` stands for; made at its first use."""
        found = self._encoded_cards.get((paper_id, code))
        if found is None:
            card, reason = self.cards[paper_id], reasons.words(code, self.topic_names)
            found = self._encoded_cards[paper_id, code] = EncodedCard(
                html=card.html.fill_encoded({"reason": fragment(escape(reason))}),
                text=card.text.fill_encoded({"reason": fragment(reason)}),
            )
        return found


@lru_cache(maxsize=32)
def press_for(window: Window) -> Press:
    """The press of a window. A closed edition never changes, so neither does its press."""
    edition = Edition.objects.closed().get(pk=window.edition_id)
    candidates = list(
        EditionPaper.objects.filter(
            edition__closed_at__isnull=False,
            edition__date__gt=window.since,
            edition__date__lte=edition.date,
        )
        .select_related("paper", "edition")
        .order_by("-edition__date", "-votes", "paper_id")
    )
    shell = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "postal_address": settings.POSTAL_ADDRESS,
        "edition_date": edition.date,
        "total": len(candidates),
        "personal": markers(PERSONAL),
    }
    return Press(
        edition_date=edition.date,
        candidates=_arrays(candidates),
        cards={candidate.paper_id: _card(candidate) for candidate in candidates},
        topic_names=dict(Topic.objects.values_list("id", "name")),
        html=Form(_inliner().inline(render_to_string("digest/mail/digest.html", shell))),
        text=Form(render_to_string("digest/mail/digest.txt", shell)),
    )


def _arrays(candidates: Iterable[EditionPaper]) -> Candidates:
    rows = list(candidates)
    # Every topic has a column, also one that nothing fits today: its readers follow something.
    topic_ids = sorted(
        {int(topic) for row in rows for topic in row.fits}
        | set(Topic.objects.values_list("id", flat=True))
    )
    column = {topic: number for number, topic in enumerate(topic_ids)}
    fits = np.zeros((len(rows), len(topic_ids)), dtype=np.float32)
    for number, row in enumerate(rows):
        for topic, fit in row.fits.items():
            fits[number, column[int(topic)]] = fit
    return Candidates(
        paper_ids=np.array([row.paper_id for row in rows], dtype=np.int64),
        votes=np.array([row.votes for row in rows], dtype=np.float32),
        fits=fits,
        topic_ids=tuple(topic_ids),
    )


def _card(candidate: EditionPaper) -> Card:
    context = {"paper": cards.describe(candidate), **markers(["reason"])}
    html = render_to_string("digest/mail/card.html", context)
    return Card(
        title=candidate.paper.title,
        html=Form(_inliner().inline_fragment(html, _stylesheet())),
        text=Form(render_to_string("digest/mail/card.txt", context)),
    )


@cache
def _stylesheet() -> str:
    """The stylesheet that lies beside the mail's templates."""
    folder = settings.BASE_DIR / "templates" / "digest" / "mail"
    return str((folder / "mail.css").read_text(encoding="utf-8"))


@cache
def _inliner() -> css_inline.CSSInliner:
    # The media rules (dark, phone) cannot be inlined and stay in the head. Nothing is fetched.
    return css_inline.CSSInliner(
        extra_css=_stylesheet(), keep_at_rules=True, load_remote_stylesheets=False
    )
