"""All that the mails of one edition and language have in common, made once per process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import formataddr
from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.choosing import reasons
from digest.choosing.candidates import Window, papers_of
from digest.models import Curation, Edition
from subscribers import links
from subscribers.models import Link, Topic

from .card_templates import PINNED, CardTemplate, EncodedCard, card_template, encode_card
from .templates import Fragments, TemplatePair, fragments_of, markers, template_pair
from .version import template_version
from .wire import ANY_TOKEN, decoded_size

# Gmail clips a mail at about 102 KB, and the unsubscribe link with it. Some mail services make
# links longer, so this leaves a margin.
MOST_HTML = 80_000
# The bytes of HTML that a reader's own words may take besides the cards: preheader, intro, tokens.
_PERSONAL_SIZE = 3_000
# How many encoded cards to keep for each edition and language, at about 3 KB each.
_MOST_ENCODED_CARDS = 5_000
_LAYOUT_SLOTS = (
    *("preheader", "intro", "cards", "more"),
    *("unsubscribe", "preferences", "read", "saved"),
)


@dataclass(frozen=True, slots=True)
class SharedParts:
    """All that the mails of one edition and language have in common.

    `layout` is the mail without its cards, `more` the note that there are more papers on the web,
    `rest` the one that the edition has more, kept in `rests` by how many. `is_of_a_day`: all papers
    are of one edition.
    `cards` is by paper id. `headings`, for weekly digests, is by topic id; `PINNED` has the heading
    over pinned papers, None that over papers without a topic. `max_cards_size` is how many bytes of
    HTML the cards of one mail may take together.
    """

    language: str
    headers: Mapping[str, str]
    layout: TemplatePair
    more: TemplatePair
    rest: TemplatePair
    is_of_a_day: bool
    welcome: Fragments
    reason: TemplatePair
    no_reason: Fragments
    heading: TemplatePair
    headings: Mapping[int | None, Fragments]
    topic_names: Mapping[int, str]
    cards: Mapping[int, CardTemplate]
    max_cards_size: int
    tracks_clicks: bool
    rests: dict[tuple[int, str], Fragments] = field(default_factory=dict)
    _encoded: dict[tuple[int, str], EncodedCard] = field(default_factory=dict)
    _encoded_weekly: dict[tuple[int, str], EncodedCard] = field(default_factory=dict)

    def encoded_cards(
        self, paper_ids: Sequence[int], codes: Sequence[str], *, is_weekly: bool
    ) -> list[EncodedCard]:
        """Returns the papers' cards with the reasons, in the same order.

        Each pair of paper and reason is encoded once and kept; for weekly digests apart, because
        their headings say some of the reasons. Raises KeyError for a paper that is not in the
        edition.
        """
        encoded = self._encoded_weekly if is_weekly else self._encoded
        return [
            encoded.get(choice) or self._encode(encoded, choice, is_weekly=is_weekly)
            for choice in zip(paper_ids, codes, strict=True)
        ]

    def _encode(
        self,
        encoded: dict[tuple[int, str], EncodedCard],
        choice: tuple[int, str],
        *,
        is_weekly: bool,
    ) -> EncodedCard:
        paper_id, code = choice
        with override(self.language):
            reason = self.no_reason
            if not (is_weekly and self._is_in_heading(code)):
                words = fragments_of(reasons.words(code, self.topic_names))
                reason = self.reason.fill({"words": words})
            card = encode_card(self.cards[paper_id], code, reason, self.heading)
        if len(encoded) >= _MOST_ENCODED_CARDS:
            encoded.clear()  # many reasons quote words that only one reader follows
        encoded[choice] = card
        return card

    def _is_in_heading(self, code: str) -> bool:
        """Whether the heading over the card says this reason."""
        return code == reasons.PINNED or reasons.topic_of(code) in self.topic_names


@lru_cache(maxsize=32)
def shared_parts(window: Window, language: str = "en", has_pictures: bool = False) -> SharedParts:
    """Returns what readers with this window and language share, those with pictures or those
    without.

    Safe to keep: if a paper or a topic changes, so does the window's version. Always pass all
    arguments by position: the cache treats a keyword argument as a different key.
    """
    edition = Edition.objects.closed().get(pk=window.edition_id)
    candidates = papers_of(edition, window)
    curated = Curation.objects.of([one.paper_id for one in candidates], window.revision)
    with override(language):
        topic_names = Topic.labels()
        layout = _layout(edition)
        heading = template_pair("heading", markers(["topic"]))
        words = markers(["words"])
        return SharedParts(
            language=language,
            headers=headers_of(edition, language),
            layout=layout,
            more=template_pair("more", {**words, "address": _read_url(edition)}),
            rest=template_pair("more", {**words, "address": _rest_url(edition, window)}),
            is_of_a_day=_is_of_a_day(edition, window),
            welcome=fragments_of(_("Welcome!")),
            reason=template_pair("reason", words),
            no_reason=template_pair("reason", {"words": ""}).fill({}),
            heading=heading,
            headings=_headings(heading, topic_names),
            topic_names=topic_names,
            cards={
                candidate.paper_id: card_template(
                    candidate, curated.get(candidate.paper_id), has_picture=has_pictures
                )
                for candidate in candidates
            },
            max_cards_size=_max_cards_size(layout),
            tracks_clicks=settings.TRACK_CLICKS,
        )


def headers_of(edition: Edition, language: str) -> Mapping[str, str]:
    """Returns what mailbox providers expect of bulk mail (RFC 2919, 3834, 8058)."""
    return {
        # Only the name may be encoded. Mail programs do not recognise a list whose id contains
        # encoded words (RFC 2047 §5).
        "List-ID": formataddr((settings.SITE_NAME, f"daily.{settings.MAIL_DOMAIN}")),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"{edition.date:%Y%m%d}:{template_version()}:digest:broadsheet",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": language,
    }


def _headings(
    template: TemplatePair, topic_names: Mapping[int, str]
) -> dict[int | None, Fragments]:
    headings: dict[int | None, Fragments] = {}
    others = [(PINNED, _("Chosen by the editor")), (None, _("More for you"))]
    for topic_id, name in [*topic_names.items(), *others]:
        headings[topic_id] = template.fill({"topic": fragments_of(name)})
    return headings


def _layout(edition: Edition) -> TemplatePair:
    slots = markers(_LAYOUT_SLOTS)
    context = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "postal_address": settings.POSTAL_ADDRESS,
        "edition_date": edition.date,
        "preferences_url": links.url(Link.Purpose.PREFERENCES, slots["preferences"]),
        "unsubscribe_url": links.url(Link.Purpose.UNSUBSCRIBE, slots["unsubscribe"]),
        "read_url": _read_url(edition),
        "saved_url": links.url(Link.Purpose.SAVED, slots["saved"]),
        "personal": slots,
    }
    return template_pair("digest", context, is_page=True)


def _read_url(edition: Edition) -> str:
    token = markers(["read"])["read"]
    return f"{links.url(Link.Purpose.READ, token)}/{edition.date:%Y-%m-%d}"


def _rest_url(edition: Edition, window: Window) -> str:
    """Returns the public page of the edition, or of all editions if there are several."""
    archive = f"{settings.SITE_URL}/archive"
    return f"{archive}/{edition.date:%Y-%m-%d}" if _is_of_a_day(edition, window) else archive


def _is_of_a_day(edition: Edition, window: Window) -> bool:
    return edition.date - window.since <= timedelta(days=1)


def _max_cards_size(layout: TemplatePair) -> int:
    empty = layout.html.fill(dict.fromkeys(_LAYOUT_SLOTS, ANY_TOKEN))
    return MOST_HTML - decoded_size(empty) - _PERSONAL_SIZE
