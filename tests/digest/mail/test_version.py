"""The version of the mail templates follows the files that shape a mail."""

from pathlib import Path
from shutil import copytree

import pytest
from django.conf import settings

from digest.mail.version import template_version, version_of
from digest.models import Digest


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's files, in a folder of the test's own."""
    for folder in ("digest", "subscribers", "templates"):
        copytree(settings.BASE_DIR / folder, tmp_path / folder)
    return tmp_path


def test_the_same_files_give_the_same_version_anywhere(copy: Path) -> None:
    assert version_of(copy) == version_of(settings.BASE_DIR)


def test_the_version_fits_its_column() -> None:
    assert len(template_version()) <= (Digest._meta.get_field("template_version").max_length or 0)


@pytest.mark.parametrize(
    "name",
    [
        "templates/digest/mail/card.html",
        "templates/digest/mail/digest.txt",
        "templates/digest/mail/mail.css",
        "templates/locale/de/LC_MESSAGES/django.mo",
        "digest/mail/rendering.py",
        "digest/choosing/reasons.py",
        "digest/papers/cards.py",
        "digest/papers/claims.py",
        "digest/papers/excerpts.py",
        "digest/papers/sentences.py",
        "digest/sources/keys.py",
        "digest/sources/registry.py",
        "digest/sources/text.py",
        "subscribers/links/derived.py",
    ],
)
def test_a_changed_byte_changes_the_version(copy: Path, name: str) -> None:
    before = version_of(copy)
    content = (copy / name).read_bytes()

    (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    assert version_of(copy) != before


def test_a_new_language_changes_the_version(copy: Path) -> None:
    before = version_of(copy)

    copytree(copy / "templates/locale/de", copy / "templates/locale/xx")

    assert version_of(copy) != before


def test_what_shapes_no_mail_leaves_the_version(copy: Path) -> None:
    before = version_of(copy)

    (copy / "templates/digest/mail/screenshot.jpg").write_bytes(b"another picture")
    (copy / "templates/base.html").write_text("another page")

    assert version_of(copy) == before
