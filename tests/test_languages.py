"""Translations: complete, consistent, and used where a reader expects them."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils.translation import override
from django.utils.translation.template import templatize

from subscribers import letters
from subscribers.models import Letter, Subscriber, Topic
from tests.contract import check_digest, html_of, text_of
from tests.digest.sent import mail_of, sent_digest
from tests.factories import make_reader, make_topic

ROOT = Path(settings.BASE_DIR)
GERMAN = ROOT / "templates" / "locale" / "de" / "LC_MESSAGES" / "django.po"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# The keywords `makemessages` passes to xgettext.
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# A message's context and its singular form.
Key = tuple[str | None, str]


def catalogue() -> Catalog:
    with GERMAN.open("rb") as file:
        return read_po(file, locale="de")


def messages() -> list[Message]:
    return [message for message in catalogue() if message.id]


def forms(text: object) -> list[str]:
    """The forms of a message: one, or its singular and plural."""
    return (
        [text] if isinstance(text, str) else list(text) if isinstance(text, (list, tuple)) else []
    )


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[ds]|</?\w+[^>]*>", text))


def marked() -> Iterator[Key]:
    """Yield everything that code and templates mark for translation."""
    code = [path for app in ("digest", "subscribers") for path in (ROOT / app).rglob("*.py")]
    pages = [path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"}]
    sources = [("python", path.read_text()) for path in code]
    # `templatize` turns a template's texts into gettext calls, with noise that is not Python.
    sources += [("javascript", templatize(path.read_text())) for path in pages]
    for method, text in sources:
        found = extract(method, io.BytesIO(text.encode()), KEYWORDS)
        for _line, words, _comments, context in found:
            yield context, forms(words)[0]


# --- the catalogue -------------------------------------------------------------------------
def test_the_german_catalogue_holds_all_that_is_marked() -> None:
    held = {(message.context, forms(message.id)[0]) for message in messages()}

    assert (None, "Check your inbox") in held
    assert set(marked()) == held


def test_every_german_message_is_translated() -> None:
    unfinished = [m.id for m in messages() if m.fuzzy or not all(forms(m.string))]

    assert unfinished == []


def test_a_translation_keeps_placeholders_and_tags() -> None:
    differing = [
        original
        for message in messages()
        for original, german in zip(forms(message.id), forms(message.string), strict=True)
        if placeholders(original) != placeholders(german)
    ]

    assert differing == []


def test_the_compiled_catalogue_is_that_of_the_words() -> None:
    fresh = io.BytesIO()
    write_mo(fresh, catalogue())
    fresh.seek(0)

    with GERMAN.with_suffix(".mo").open("rb") as file:
        kept = words_of(read_mo(file))

    assert kept == words_of(read_mo(fresh))


def words_of(compiled: Catalog) -> dict[Key, list[str]]:
    return {(m.context, forms(m.id)[0]): forms(m.string) for m in compiled if m.id}


# --- what is said --------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "language", "heading"),
    [
        ("en", "en", "Your own front page of new research"),
        ("de", "de", "Neue Forschung auf Ihrer eigenen Titelseite"),
    ],
)
def test_the_front_page_is_in_the_visitor_s_language(
    client: Client, accepted: str, language: str, heading: str
) -> None:
    html = client.get("/", headers={"Accept-Language": accepted}).content.decode()

    assert re.findall(r'<html lang="(\w+)"', html) == [language]
    assert re.findall(r"<h1>([^<]*)</h1>", html) == [heading]


@pytest.mark.django_db
def test_a_digest_is_in_its_reader_s_language() -> None:
    raw = check_digest(mail_of(sent_digest(), language="de").message().as_bytes())

    intro = "3 Paper, für Sie ausgewählt aus den 3 dieser Ausgabe"
    assert [body.count(intro) for body in (html_of(raw), text_of(raw))] == [1, 1]
    footer = re.findall(r">(Einstellungen ändern|Change your preferences)</a>", html_of(raw))
    assert footer == ["Einstellungen ändern"]


@pytest.mark.django_db
def test_a_confirmation_is_in_its_reader_s_language() -> None:
    reader = make_reader(state=Subscriber.State.PENDING, language="de")
    letter = Letter.objects.create(
        subscriber=reader, kind=Letter.Kind.CONFIRM, created_at=NOW, next_attempt_at=NOW
    )

    message = letters.build(letter, NOW)

    assert message.subject == "Bestätigen Sie Ihren Digest von Broadsheet"
    assert message.extra_headers["Content-Language"] == "de"
    assert str(message.body).splitlines()[0] == "Guten Tag,"


@pytest.mark.django_db
def test_starter_topics_are_called_in_the_reader_s_language_and_others_as_they_are() -> None:
    starter, own = Topic.objects.get(slug="robotics"), make_topic(name="Moss and lichen")
    digest = sent_digest(topic=starter)

    texts = [mail_of(digest, language=language).body for language in ("en", "de")]

    said = [re.findall("(?:You follow|Sie folgen) .*", text)[0] for text in texts]
    assert said == [
        "You follow Robotics and embodied AI.",
        "Sie folgen „Robotik und verkörperte KI“.",
    ]
    with override("de"):
        assert Topic.labels()[own.pk] == "Moss and lichen"
