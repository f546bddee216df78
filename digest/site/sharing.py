"""Draws the picture that goes with a link to a paper on other sites: its title, as we print it.

In: a paper. Out: a JPEG. Only text is drawn, with the font that comes with Pillow; a title that it
has no letters for gets the site's general picture instead.
"""

import io
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.urls import reverse

from digest.models import Paper
from digest.papers.cards import source_name, title_of

SIZE = WIDTH, HEIGHT = 1200, 630
_MARGIN = 80
_PAPER, _INK, _QUIET, _ACCENT = "#faf7f0", "#211e1a", "#655f55", "#a3301a"
# The largest with which there is room for the title's lines.
_SIZES, _ROOM, _SPACING = (72, 64, 56, 48, 42), 320, 1.2
_SMALL = 32
_QUALITY = 85
_DASHES = str.maketrans("–—‑−", "----")
# No font has a letter for it.
_NO_LETTER = "\uffff"


def address_of(paper: Paper) -> str:
    """Return the address of the paper's own picture; "" if its title cannot be drawn."""
    if not all(map(_is_drawable, _title(paper))):
        return ""
    return f"{settings.SITE_URL}{reverse('digest:share', args=[paper.pk])}"


def drawn(paper: Paper) -> bytes:
    """Return the paper's picture as a JPEG. Takes some twenty milliseconds."""
    from PIL import Image, ImageDraw  # noqa: PLC0415  # most processes draw nothing

    picture = Image.new("RGB", SIZE, _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((_MARGIN, 70, WIDTH - _MARGIN, 76), fill=_INK)
    draw.text((_MARGIN, 96), _drawable(settings.SITE_NAME), fill=_INK, font=_font(_SMALL))
    size, lines = _fitting(_title(paper))
    for number, line in enumerate(lines):
        place = (_MARGIN, 180 + round(number * size * _SPACING))
        # Drawn with an edge of its own colour, because the font has no bold letters.
        draw.text(place, line, fill=_INK, font=_font(size), stroke_width=1)
    [small, *_more] = _lines(_origin(paper), _font(_SMALL - 4))
    draw.text((_MARGIN, HEIGHT - 110), small, fill=_QUIET, font=_font(_SMALL - 4))
    draw.rectangle((_MARGIN, HEIGHT - 60, WIDTH - _MARGIN, HEIGHT - 57), fill=_ACCENT)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


def _title(paper: Paper) -> str:
    return title_of(paper).translate(_DASHES)


def _origin(paper: Paper) -> str:
    """Return whose paper it is and where it is from, without what cannot be drawn whole."""
    first = paper.authors[0] if paper.authors else paper.organization
    names = f"{first} et al." if len(paper.authors) > 1 else first
    return " · ".join(
        said for said in (names, source_name(paper)) if said and all(map(_is_drawable, said))
    )


def _fitting(title: str) -> tuple[int, list[str]]:
    """Return the size of the letters and the lines, the last cut if there are too many."""
    size, lines = _SIZES[-1], [""]
    for size in _SIZES:
        lines = list(_lines(_drawable(title), _font(size)))
        if len(lines) * size * _SPACING <= _ROOM:
            return size, lines
    most = int(_ROOM / size / _SPACING)
    return size, [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]


def _lines(text: str, font: Any) -> Iterator[str]:
    """Yield the text in lines that fit; a word that is too long for one is cut."""
    line = ""
    for word in text.split():
        while font.getlength(word) > WIDTH - 2 * _MARGIN:
            word = word[: len(word) * 9 // 10]
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > WIDTH - 2 * _MARGIN:
            yield line
            longer = word
        line = longer
    yield line


def _drawable(text: str) -> str:
    return "".join(letter for letter in text if _is_drawable(letter))


@lru_cache(maxsize=2000)
def _is_drawable(letter: str) -> bool:
    if letter.isspace():
        return True
    font = _font(_SMALL)
    return bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))


@cache
def _font(size: int) -> Any:
    from PIL import ImageFont  # noqa: PLC0415  # most processes draw nothing

    return ImageFont.load_default(size)
