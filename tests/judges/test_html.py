"""The Nu HTML Checker, the W3C's validator, on all pages and mails."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.test import Client

from tests.contract import html_of, parsed
from tests.judges import installed
from tests.judges.everything import every_mail, every_page

pytestmark = pytest.mark.django_db


def errors_in(documents: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """The errors that the checker reports, by document."""
    names = {}
    for number, (name, html) in enumerate(documents.items()):
        (folder / f"{number}.html").write_text(html, encoding="utf-8")
        names[f"{number}.html"] = name
    java = installed("bin/java")
    jar = installed("node_modules/vnu-jar/build/dist/vnu.jar")
    command = [java, "-jar", jar, "--errors-only", "--format", "json", "--exit-zero-always"]
    run = subprocess.run([*command, str(folder)], capture_output=True, check=True)
    found: dict[str, list[str]] = {}
    for said in json.loads(run.stderr)["messages"]:
        name = names[Path(said["url"]).name]
        found.setdefault(name, []).append(f"{said['message']} ({said.get('extract', '')})")
    return found


def test_the_checker_sees_an_error(tmp_path: Path) -> None:
    page = "<!doctype html><html lang=en><meta charset=utf-8><title>A page</title><p>{}</p>"

    found = errors_in({"bad": page.format("<div>"), "good": page.format("<em>text</em>")}, tmp_path)

    assert list(found) == ["bad"]


def test_no_page_has_an_error(client: Client, tmp_path: Path) -> None:
    pages = every_page(client)

    assert errors_in(pages, tmp_path) == {}


def test_no_mail_has_an_error(tmp_path: Path) -> None:
    mails = {name: html_of(parsed(raw)) for name, raw in every_mail().items()}

    assert errors_in(mails, tmp_path) == {}
