"""One reader's digest: their selection joined with the parts that all readers share."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate, takewhile
from uuid import UUID

from django.utils.translation import ngettext, override

from digest.choosing.composing import Composed
from subscribers import links

from .card_templates import CLICK_MARK, EncodedCard
from .message import DigestMessage
from .shared import SharedParts
from .templates import Fragments, fragments_of
from .wire import fragment, token_fragment

_BETWEEN_TEASERS = fragment(" · ")
_NOTHING = Fragments(text=b"", html=b"")
# The first paper's title is the subject; the next two are the preheader.
_TEASERS = slice(1, 3)


def render(
    shared: SharedParts,
    selection: Composed,
    *,
    uuid: UUID,
    subscriber_id: int,
    now: datetime,
    links_generation: int = 0,
    is_weekly: bool = False,
) -> DigestMessage:
    """Returns the reader's message. Only its recipient, `to`, is still to be set.

    The papers must be in `shared`, the best first. The lowest-ranked are left to the web if the
    mail would grow too long. A weekly digest shows papers under their topics. The same arguments
    give the same message; of `now` only the month matters, for the links.
    """
    tokens = links.monthly(subscriber_id, now, links_generation)
    unsubscribe_token = links.unsubscribe_token(subscriber_id, links_generation)
    read = token_fragment(tokens.read)
    cards = shared.encoded_cards(selection.paper_ids, selection.reasons, is_weekly=is_weekly)
    shown = cards[: _number_that_fits(cards, shared.max_cards_size)]
    own = token_fragment(tokens.vote), token_fragment(tokens.saved)
    written = _write_cards(shown, own, shared.headings if is_weekly else None)
    if shared.tracks_clicks:
        written = _with_clicks(written, uuid)
    intro = _intro(shared.language, (len(cards), len(shared.cards)), selection.is_first, is_weekly)
    body = shared.layout.fill(
        {
            "preheader": _preheader(cards, shared.welcome if selection.is_first else None),
            "intro": intro,
            "cards": written,
            "more": _more(shared, (len(shown), len(cards)), read, is_weekly=is_weekly),
        },
        unsubscribe=token_fragment(unsubscribe_token),
        preferences=token_fragment(tokens.preferences),
        read=read,
        saved=own[1],
    )
    return DigestMessage(
        uuid=uuid,
        subject=cards[0].subject,
        unsubscribe_token=unsubscribe_token,
        headers=shared.headers,
        body=body,
    )


def _number_that_fits(cards: Sequence[EncodedCard], most: int) -> int:
    """Returns how many of the first cards fit into `most` bytes of HTML: at least one."""
    sizes = [card.size for card in cards]
    if sum(sizes) <= most:
        return len(sizes)
    return max(1, len(list(takewhile(lambda total: total <= most, accumulate(sizes)))))


def _write_cards(
    cards: Sequence[EncodedCard],
    own: tuple[bytes, bytes],
    headings: Mapping[int | None, Fragments] | None,
) -> Fragments:
    """Returns the cards with the reader's `own` tokens to vote and to save, under `headings` by
    topic if there are any."""
    text: list[bytes] = []
    html: list[bytes] = []
    if headings is None:
        _add(text, html, cards, own)
        return Fragments(text=b"".join(text), html=b"".join(html))
    for topic_id, group in _by_topic(cards).items():
        heading = headings.get(topic_id) or headings[None]
        text.append(heading.text)
        html.append(heading.html)
        _add(text, html, group, own)
    return Fragments(text=b"".join(text), html=b"".join(html))


def _add(
    text: list[bytes], html: list[bytes], cards: Sequence[EncodedCard], own: tuple[bytes, bytes]
) -> None:
    """Adds the cards' pieces, to be joined once: this runs for every card of every digest."""
    vote, save = own
    for card in cards:
        first, second, third, last = card.text
        text += (first, vote, second, vote, third, save, last)
        first, second, third, last = card.html
        html += (first, vote, second, vote, third, save, last)


def _by_topic(cards: Iterable[EncodedCard]) -> dict[int | None, list[EncodedCard]]:
    """Returns the cards by topic, the best card's topic first, those without a topic last."""
    topics: dict[int | None, list[EncodedCard]] = {}
    for card in cards:
        topics.setdefault(card.topic_id, []).append(card)
    if None in topics:
        topics[None] = topics.pop(None)
    return topics


def _with_clicks(cards: Fragments, uuid: UUID) -> Fragments:
    """Returns the cards with links to papers that lead through us, by the digest's id."""
    key = token_fragment(uuid.hex)
    return Fragments(
        text=cards.text.replace(CLICK_MARK, key), html=cards.html.replace(CLICK_MARK, key)
    )


def _preheader(cards: Sequence[EncodedCard], welcome: Fragments | None) -> Fragments:
    """Returns what a mail program shows after the subject: the next papers' titles, shortened."""
    teasers = [card.teaser.html for card in cards[_TEASERS]]
    if welcome:
        teasers.insert(0, welcome.html)
    return Fragments(text=b"", html=_BETWEEN_TEASERS.join(teasers))


def _more(
    shared: SharedParts, counts: tuple[int, int], read: bytes, *, is_weekly: bool
) -> Fragments:
    """Returns the notes that there are more papers: of this digest, of which `counts` are shown
    and all, and of the edition."""
    shown, chosen = counts
    number, rest = chosen - shown, _NOTHING
    if left := len(shared.cards) - chosen:
        span = "week" if is_weekly else "day" if shared.is_of_a_day else ""
        rest = shared.rests.get((left, span)) or _add_rest(shared, left, span)
    if not number:
        return rest
    more = shared.more.fill({"words": _more_words(shared.language, number)}, read=read)
    return Fragments(text=more.text + rest.text, html=more.html + rest.html)


@lru_cache(maxsize=256)
def _more_words(language: str, number: int) -> Fragments:
    with override(language):
        words = ngettext("%(number)d more on the web", "%(number)d more on the web", number)
    return fragments_of(words % {"number": number})


def _add_rest(shared: SharedParts, number: int, span: str) -> Fragments:
    """Returns the note that the edition has `number` more papers, and keeps it: many share it."""
    words = _rest_words(shared.language, number, span)
    rest = shared.rests[number, span] = shared.rest.fill({"words": words})
    return rest


def _rest_words(language: str, number: int, span: str) -> Fragments:
    with override(language):
        if span == "week":
            words = ngettext(
                "%(number)d more paper this week", "%(number)d more papers this week", number
            )
        elif span == "day":
            words = ngettext("%(number)d more paper today", "%(number)d more papers today", number)
        else:
            words = ngettext(
                "%(number)d more paper since your last digest",
                "%(number)d more papers since your last digest",
                number,
            )
    return fragments_of(words % {"number": number})


@lru_cache(maxsize=1024)
def _intro(language: str, counts: tuple[int, int], is_first: bool, is_weekly: bool) -> Fragments:
    """Returns the line above the cards. `counts` are the papers chosen, and all of the edition."""
    chosen, total = counts
    with override(language):
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
    return fragments_of(words % {"chosen": chosen, "total": total})
