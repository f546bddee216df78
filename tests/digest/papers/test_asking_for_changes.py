"""Asking feeds only for what has changed since they were last stored."""

import pytest
from pytest_django import Settings

from digest.models import Look, Paper, Validator
from digest.papers import looking
from digest.papers.looking import look
from digest.sources import Download, SourceError, Validators
from digest.sources.base import NOTHING_KNOWN
from tests.digest.sources.test_feed import ITEM, RSS

pytestmark = pytest.mark.django_db
ADDRESS = "https://lab.example.org/feed?key=secret"
OTHER = "https://other.example.org/feed"
SEVEN = Validators('"7"', "Fri, 20 Nov 2026 10:00:00 GMT")


class Web:
    """Answers like a server that knows what has changed, and records what it was told."""

    def __init__(self, body: str = RSS.format(ITEM)) -> None:
        self.body = body
        self.told: list[Validators] = []

    def __call__(self, url: str, agent: str, known: Validators) -> Download:
        self.told.append(known)
        if url == OTHER:
            raise SourceError(f"{OTHER} did not answer in time.")
        if known == SEVEN:
            return Download(b"", url=url, is_unchanged=True)
        return Download(self.body.encode(), url=url, validators=SEVEN)


@pytest.fixture
def web(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Web:
    settings.FEEDS = [ADDRESS, OTHER]
    web = Web()
    monkeypatch.setattr(looking, "download", web)
    return web


def test_second_look_asks_only_for_changes(web: Web) -> None:
    first, second = look("feeds"), look("feeds")

    assert web.told == [NOTHING_KNOWN, NOTHING_KNOWN, SEVEN, NOTHING_KNOWN]
    assert (first.outcome, first.new) == (Look.Outcome.OK, 1)
    assert (second.outcome, second.new) == (Look.Outcome.QUIET, 0)
    assert Paper.objects.count() == 1


def test_address_is_kept_only_as_a_hash(web: Web) -> None:
    look("feeds")

    assert "example" not in str(list(Validator.objects.values()))


def test_feed_that_could_not_be_read_is_read_whole_the_next_time(web: Web) -> None:
    good, web.body = web.body, "<rss>"
    look("feeds")
    web.body = good

    assert look("feeds").new == 1
    assert web.told[2] == NOTHING_KNOWN


def test_answer_that_could_not_be_stored_is_read_whole_the_next_time(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(looking, "_remember", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            look("feeds")

    assert not Paper.objects.exists()
    assert look("feeds").new == 1
