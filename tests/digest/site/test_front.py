"""The front page: papers of the newest edition beside the form, whose button comes first."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from digest.models import PaperTopic
from tests.digest.site.test_site import DAY, page, titles
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db


def test_the_front_page_leads_with_papers_of_the_newest_edition(client: Client) -> None:
    topic = make_topic(name="Robots")
    papers = [make_paper(title=f"No. {n}", votes=9 - n) for n in range(6)]
    make_edition(papers, day=DAY, fits={topic.pk: 0.9})

    html = page(client, "/")

    assert titles(html) == ["No. 0", "No. 1", "No. 2", "No. 3"]
    assert "All 6 papers of this edition" in html
    assert "The papers\n    are made up" not in html
    assert "Small models that read long contracts" not in html
    assert '<p class="reason">Robots</p>' in html


def test_a_sample_stands_in_on_a_new_site_alone(client: Client) -> None:
    assert "Small models that read long contracts" in page(client, "/")

    edition = make_edition([make_paper(title="Real")], day=DAY)
    assert titles(page(client, "/")) == ["Real"]

    edition.candidates.all().delete()
    assert "Small models that read long contracts" in page(client, "/")


def test_address_and_button_come_before_topics(client: Client) -> None:
    for path in ("/", "/signup/", "/signup/frame/"):
        html = page(client, path)
        places = [html.index(mark) for mark in ('name="email"', 'type="submit"', 'name="topics"')]
        assert places == sorted(places), path


def test_the_navigation_says_subscribe(client: Client) -> None:
    assert re.search(r'<a href="/"[^>]*>Subscribe</a>', page(client, "/archive"))


def test_an_empty_site_speaks_of_no_papers_that_are_not_there(client: Client) -> None:
    html = page(client, "/today")

    assert "about ten of these" not in html
    assert "about ten new papers for you" in html


# --- topics --------------------------------------------------------------------------------
def test_a_topic_leads_with_a_paper_that_fits_it_best(client: Client) -> None:
    robots, vision = make_topic(slug="robots", name="Robots"), make_topic(name="Vision")
    loud = make_paper(title="Loud, but about vision", votes=900)
    quiet = make_paper(title="Quiet, about robots", votes=20)
    rest = make_paper(title="Hardly", votes=800)
    for paper, fit in ((loud, 0.4), (quiet, 0.9), (rest, 0.05)):
        PaperTopic.objects.create(paper=paper, topic=robots, fit=fit)
    PaperTopic.objects.create(paper=loud, topic=vision, fit=0.9)
    edition = make_edition([loud, quiet, rest], day=DAY, fits={robots.pk: 0.4, vision.pk: 0.9})
    edition.candidates.filter(paper=quiet).update(fits={str(robots.pk): 0.9})

    html = page(client, "/topics/robots")

    assert titles(html) == ["Quiet, about robots", "Loud, but about vision", "Hardly"]
    # Every story stands under the page's topic, and none says another.
    assert "Vision" not in html
    cache.clear()
    assert "Vision" in page(client, "/today")


def test_no_line_ends_within_a_word(client: Client) -> None:
    long = "very-long-compound-of-many-many-words"
    make_edition([make_paper(title=f"State-of-the-art <X-Y> and {long}")], day=DAY)

    assert (
        '<bdi><span class="whole">State-of-the-art</span> '
        f'<span class="whole">&lt;X-Y&gt;</span> and {long}</bdi>'
    ) in page(client, "/today")
