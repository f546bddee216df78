"""Nothing on the desk's pages is out of a translator's reach, and no page shows raw values."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.translation import override

from digest.delivery.limits import breaker, holds, memory, refusals
from digest.desk import reasons
from digest.desk.editions import running
from digest.models import Edition
from tests.digest.desk.scene import a_morning
from tests.factories import make_paper

pytestmark = pytest.mark.django_db

NOT_READ = {"script", "style", "pre", "code", "textarea", "bdi"}
# Names and values of the scene, which are the same in each language.
NAMES = re.compile(
    r"""
    Broadsheet|Redis|UTC|SMTP|HTML|TRACK_CLICKS|RANKING_\w+|EDITION_\w+|[\w*.]+@[\w.]+|manage\.py
    |arXiv|arxiv|huggingface|Hugging\ Face\ Daily\ Papers|google|smtp|ticks|letters|digests
    |Paper\ number\ \d+|Ada\ Example|Bo\ Sample|Retrieval|Robotics\ and\ embodied\ AI|Topic\ \d+
    |It\ says\ something\ new[^.]*\.|hold\ or\ hold\.release|\w+\.\w+\ \d+
    |\b[a-z]+[.:][a-z_:]+|\bURL\b
    |About\ it\.|timed\ out|topic-\d+|(?:/[\w.-]+)+|admin|[0-9a-f]{12}|[0-9a-f-]{36}
    |https?://\S+|\b\d+\s?(?:s|min|h)\b|English|Deutsch|UUID|\bId\b
    """,
    re.VERBOSE,
)
MARKED = re.compile("«[^«»]*»")


class Texts(HTMLParser):
    """What people read on a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside += [tag] if tag in NOT_READ else []
        labels = (value for name, value in attrs if name in {"aria-label", "title", "placeholder"})
        self.found += filter(None, labels)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found.append(data)


@pytest.fixture
def _marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is translated stands in «quotes»."""

    def marking(real: Callable[..., str]) -> Callable[..., str]:
        return lambda *words: f"«{real(*words)}»" if words[-1] != "" else real(*words)

    for name in ("gettext", "pgettext", "ngettext", "npgettext"):
        real = getattr(translation._trans, name)  # type: ignore[attr-defined]
        monkeypatch.setattr(translation._trans, name, marking(real))  # type: ignore[attr-defined]


def untranslated(html: str) -> set[str]:
    text = "\n".join(" ".join(found.split()) for found in Texts(html).found)
    while MARKED.search(text):  # the inner ones first; they may span elements
        text = MARKED.sub(" ", text)
    parts = (NAMES.sub(" ", part) for part in text.split("\n"))
    return {part.strip() for part in parts if re.search(r"[^\W\d_]{2}", part)}


def pages(user: User) -> list[str]:
    """The pages of the desk, each list, a row of each, and the forms for a new one."""
    request = RequestFactory().get("/admin/")
    request.user = user
    admin.autodiscover()
    edition = Edition.objects.closed().get()
    desk = f"/admin/digest/edition/desk/{edition.date}/"
    paths = ["/admin/", "/admin/tables/", "/admin/delivery/", desk, f"{desk}preview/"]
    paths += ["/admin/digest/digest/trial/", "/admin/subscribers/topic/preview/"]
    for model, shown in admin.site._registry.items():
        if model._meta.app_label == "auth":
            continue  # Django stores the names of permissions in English
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        newest = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
        paths += [path] + ([f"{path}{newest}/change/"] if newest is not None else [])
        paths += [f"{path}add/"] if shown.has_add_permission(request) else []
    return paths


@pytest.mark.usefixtures("_marked")
def test_everything_on_the_pages_can_be_translated(admin_client: Client, admin_user: User) -> None:
    a_morning(held=True)
    make_paper()
    Edition.objects.create(date="2026-01-01", hold_rule="thin")

    found: dict[str, set[str]] = {}
    for path in pages(admin_user):
        answer: Any = admin_client.get(path, secure=True, follow=True)
        if answer.status_code == 200 and (left := untranslated(answer.content.decode())):
            found[path] = left

    assert found == {}


def test_what_can_be_translated_is_found_to_be_missing() -> None:
    assert untranslated("<p>«Today» <b>Edition</b></p>") == {"Edition"}
    assert untranslated("<p>«Edition of «Monday»» smtp</p>") == set()


def test_why_sending_is_held_is_said_in_german() -> None:
    """Each sentence that a worker writes down is one that the desk knows."""
    written = [
        running.PAUSED,
        holds.QUOTA_USED_UP,
        memory.ASYNCHRONOUS,
        refusals.Run([1, 2], "550 5.7.1 blocked").reason,
        *(
            breaker.reason_to_stop(trouble, 50, 100, 0.05, 10) or ""
            for trouble in (breaker.REFUSED, breaker.COMPLAINED, breaker.DOUBTED)
        ),
        "3 messages in a row were left in doubt: timed out",
        "The last 20 mails were left in doubt: they may have gone out or not.",
    ]

    with override("de"):
        said = [reasons.in_words(reason) for reason in written]

    assert [reason for reason, words in zip(written, said, strict=True) if words == reason] == []
    assert "550 5.7.1 blocked" in said[3]
    assert reasons.in_words("Paused by Ada") == "Paused by Ada"
