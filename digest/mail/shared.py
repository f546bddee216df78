"""The press: what all readers of an edition share, made once and kept by each worker.

A reader's digest is chosen from a `Window`, the editions since their last digest. For a
window there is a stock, the candidates as arrays for ranking; for a window and a language the
press holds the mail as forms with slots for the personal parts, encoded for the wire, so that
one more reader costs only the joining of bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from email.utils import formataddr
from functools import cache, lru_cache
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from digest.choosing import reasons
from digest.choosing.candidates import Window, papers_of
from digest.models import Edition, EditionPaper
from digest.papers import cards
from digest.papers.excerpts import shorten
from subscribers import links
from subscribers.models import Link, Topic

from .slots import WireTemplate, markers
from .wire import decoded, fragment, token_fragment

# Stored with each digest. Raise it when a change of the templates changes what a mail says.
TEMPLATE_VERSION = "2"

# Gmail clips a mail at about 102 KB, and the way out with it; some services make links longer.
MOST_HTML = 80_000
# What a reader's own words may add to the mail around the cards: preheader, intro, tokens.
_PERSONAL_SIZE = 3_000
# As long as any token is; none is known yet when sizes are measured.
_ANY_TOKEN = token_fragment("x" * 32)
_LONGEST_NAME = fragment("&#x27;" * 60)

_SHELL_SLOTS = ("preheader", "intro", "cards", "more", "unsubscribe", "preferences", "read")
TEASER_LENGTH = 44


@dataclass(frozen=True, slots=True)
class Fragments:
    """Words (or more) for both parts of a mail, as fragments for the wire."""

    text: bytes
    html: bytes


@dataclass(frozen=True, slots=True)
class TemplatePair:
    """The same thing in HTML and in plain text."""

    html: WireTemplate
    text: WireTemplate

    def fill(self, values: Mapping[str, Fragments]) -> Fragments:
        return Fragments(
            text=self.text.fill({name: value.text for name, value in values.items()}),
            html=self.html.fill({name: value.html for name, value in values.items()}),
        )


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """One paper as it stands in a mail. The slots of its form are `reason`, `vote` (the
    reader's token) and, where clicks are tracked, `click` (the digest's id).

    `topic_id` is the topic that it fits best, if there is one.
    """

    title: str
    teaser: Fragments
    topic_id: int | None
    form: TemplatePair


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """A card with its reason, as fragments around the slot `vote`, and its size in HTML.

    Where clicks are tracked `CLICK_MARK` stands for the digest's id.
    """

    html: tuple[bytes, ...]
    text: tuple[bytes, ...]
    size: int


# At about 3 KB each.
_MOST_ENCODED = 5_000

CLICK_MARK = fragment(markers(["click"])["click"])


@dataclass(frozen=True, slots=True)
class SharedParts:
    """What the readers of one window and language share. `cards` is by paper id.

    `room` is how many bytes of HTML all cards of a mail may take together.
    """

    edition_date: date
    language: str
    headers: Mapping[str, str]
    cards: Mapping[int, CardTemplate]
    topic_names: Mapping[int, str]
    tracks_clicks: bool
    welcome: Fragments
    room: int
    shell: TemplatePair
    heading: TemplatePair
    more: TemplatePair
    _encoded_cards: dict[tuple[int, str], EncodedCard] = field(default_factory=dict)
    _headings: dict[int | None, Fragments] = field(default_factory=dict)
    _intros: dict[tuple[int, bool, bool], Fragments] = field(default_factory=dict)

    def encoded_card(self, paper_id: int, code: str) -> EncodedCard:
        """A paper's card with the reason that `code` stands for; made at its first use."""
        found = self._encoded_cards.get((paper_id, code))
        if found is None:
            with override(self.language):
                reason = fragments_of(reasons.words(code, self.topic_names))
            found = self._encode_card(self.cards[paper_id], reason)
            if len(self._encoded_cards) > _MOST_ENCODED:
                self._encoded_cards.clear()  # reasons with a reader's own words are many
            self._encoded_cards[paper_id, code] = found
        return found

    def heading_of(self, topic_id: int | None) -> Fragments:
        """The heading over a topic's papers in a weekly digest, both parts ready."""
        found = self._headings.get(topic_id)
        if found is None:
            with override(self.language):
                name = self.topic_names.get(topic_id or 0) or _("More for you")
            found = self._headings[topic_id] = self.heading.fill({"topic": fragments_of(name)})
        return found

    def intro(self, chosen: int, *, is_first: bool, is_weekly: bool) -> Fragments:
        """The line above the cards of a mail of so many."""
        key = (chosen, is_first, is_weekly)
        found = self._intros.get(key)
        if found is None:
            with override(self.language):
                found = fragments_of(_intro(chosen, len(self.cards), is_first, is_weekly))
            self._intros[key] = found
        return found

    def _encode_card(self, card: CardTemplate, reason: Fragments) -> EncodedCard:
        html = card.form.html.around("vote", {"reason": reason.html, "click": CLICK_MARK})
        text = card.form.text.around("vote", {"reason": reason.text, "click": CLICK_MARK})
        # In a weekly digest a heading may stand above it.
        heading = self.heading.html.fill({"topic": _LONGEST_NAME})
        return EncodedCard(html, text, _size(heading + _ANY_TOKEN.join(html)))


@lru_cache(maxsize=32)
def shared_parts(window: Window, language: str = "en") -> SharedParts:
    """The press of a window. A closed edition never changes, so neither does its press.

    Give `language` by position: the cache takes other ways for other presses.
    """
    edition = Edition.objects.closed().get(pk=window.edition_id)
    candidates = papers_of(edition, window)
    with override(language):
        shell = _shell(edition)
        return SharedParts(
            edition_date=edition.date,
            language=language,
            headers=_headers(edition, language),
            cards={candidate.paper_id: _card(candidate) for candidate in candidates},
            topic_names=Topic.labels(),
            tracks_clicks=settings.TRACK_CLICKS,
            welcome=fragments_of(_("Welcome!")),
            room=_room(shell),
            shell=shell,
            heading=_template_pair("heading", markers(["topic"])),
            more=_template_pair("more", {**markers(["words"]), "read_url": _read_url(edition)}),
        )


def _headers(edition: Edition, language: str) -> Mapping[str, str]:
    """What a mailbox provider wants to see on a mail to many (RFC 2919, 3834), for all alike."""
    return {
        # Only the name may be encoded: a list whose id is (RFC 2047 §5) is none to a mail program.
        "List-ID": formataddr((settings.SITE_NAME, f"daily.{settings.MAIL_DOMAIN}")),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"{edition.date:%Y%m%d}:{TEMPLATE_VERSION}:digest:broadsheet",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": language,
    }


def fragments_of(words: str) -> Fragments:
    return Fragments(text=fragment(words), html=fragment(escape(words)))


def _intro(chosen: int, total: int, is_first: bool, is_weekly: bool) -> str:
    numbers = {"chosen": chosen, "total": total}
    if is_first:
        words = ngettext(
            "Welcome! Here is your first digest: %(chosen)d paper chosen for you from "
            "%(total)d. From now on it comes at the time you asked for.",
            "Welcome! Here is your first digest: %(chosen)d papers chosen for you from "
            "%(total)d. From now on it comes at the time you asked for.",
            chosen,
        )
    elif is_weekly:
        words = ngettext(
            "%(chosen)d paper chosen for you from this week’s %(total)d",
            "%(chosen)d papers chosen for you from this week’s %(total)d",
            chosen,
        )
    else:
        words = ngettext(
            "%(chosen)d paper chosen for you from %(total)d in this edition",
            "%(chosen)d papers chosen for you from %(total)d in this edition",
            chosen,
        )
    return words % numbers


# --- forms ---------------------------------------------------------------------------------
def _shell(edition: Edition) -> TemplatePair:
    """All of the mail but its cards."""
    slots = markers(_SHELL_SLOTS)
    return _template_pair(
        "digest",
        {
            "site_name": settings.SITE_NAME,
            "site_url": settings.SITE_URL,
            "postal_address": settings.POSTAL_ADDRESS,
            "edition_date": edition.date,
            "preferences_url": links.url(Link.Purpose.PREFERENCES, slots["preferences"]),
            "unsubscribe_url": links.url(Link.Purpose.UNSUBSCRIBE, slots["unsubscribe"]),
            "read_url": _read_url(edition),
            "personal": slots,
        },
        is_whole=True,
    )


def _room(shell: TemplatePair) -> int:
    blank = shell.html.fill(dict.fromkeys(_SHELL_SLOTS, _ANY_TOKEN))
    return MOST_HTML - _size(blank) - _PERSONAL_SIZE


def _size(fragments: bytes) -> int:
    return len(decoded(fragments).encode())


def _card(candidate: EditionPaper) -> CardTemplate:
    paper = cards.describe(candidate)
    slots = markers(["reason", "vote", "click"])
    vote_url = f"{links.url(Link.Purpose.VOTE, slots['vote'])}/{candidate.paper_id}"
    click_url = f"{settings.SITE_URL}/k/{slots['click']}/{candidate.paper_id}"
    context = {
        "paper": paper,
        "paper_url": click_url if paper.url and settings.TRACK_CLICKS else paper.url,
        "reason": slots["reason"],
        "vote_url": vote_url,
    }
    return CardTemplate(
        title=paper.title,
        teaser=fragments_of(shorten(paper.title, TEASER_LENGTH)),
        topic_id=cards.best_topic(candidate),
        form=_template_pair("card", context),
    )


def _read_url(edition: Edition) -> str:
    token = markers(["read"])["read"]
    return f"{links.url(Link.Purpose.READ, token)}/{edition.date:%Y-%m-%d}"


def _template_pair(name: str, context: dict[str, Any], *, is_whole: bool = False) -> TemplatePair:
    """The templates of this name as forms; `is_whole` if the HTML is more than a fragment."""
    page = render_to_string(f"digest/mail/{name}.html", context)
    text = render_to_string(f"digest/mail/{name}.txt", context)
    inliner = _inliner()
    if is_whole:
        # The inliner puts the rest of the stylesheet first, and what says the encoding must come
        # within the first kilobyte.
        html = inliner.inline(page).replace(_CHARSET, "", 1).replace("<head>", _HEAD, 1)
    else:
        html = inliner.inline_fragment(page, _stylesheet())
    return TemplatePair(html=WireTemplate(html), text=WireTemplate(text))


_CHARSET = '<meta charset="utf-8">'
_HEAD = f"<head>{_CHARSET}"


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
