"""Every mail and every page that a reader can see, filled with every kind of content."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.test import Client
from django.utils import timezone

from digest.models import Digest, PaperTopic, Saved, Sighting
from subscribers import letters, links
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber
from subscribers.wishes import following
from tests.digest.sent import edition_of, mail_of, read_path, sent_digest, vote_path
from tests.factories import abstract_of, make_paper, make_reader, make_topic

_AUTHOR = following.offer("Ada Lovelace")
_TITLES = ["Robots that fold towels", "دراسة عن الروبوتات", "On $O(n^2)$ <maps>", "折り紙"]


def a_digest() -> Digest:
    """A sent digest whose papers have everything that a card can show."""
    topic = make_topic(slug="robots", name="Robots & hands")
    papers = [
        make_paper(
            title=title,
            abstract=abstract_of(number, sentences=4),
            authors=[f"Author {author}" for author in range(20)],
            num_authors=20,
            votes=9,
            comments=2,
            organization="Example Lab",
            keywords=["hands", "cloth"],
            code_url="https://code.example/x",
            published_at=timezone.now(),
        )
        for number, title in enumerate(_TITLES)
    ]
    PaperTopic.objects.bulk_create(
        PaperTopic(paper=paper, topic=topic, fit=0.9) for paper in papers
    )
    for hours, votes in ((48, 1), (24, 9)):
        at = timezone.now() - timedelta(hours=hours)
        Sighting.objects.create(paper=papers[0], source="huggingface", at=at, votes=votes)
    return sent_digest(papers, topic=topic)


# --- mails ---------------------------------------------------------------------------------
def every_mail() -> dict[str, bytes]:
    """The bytes of all mails, by name."""
    digest = a_digest()
    digests = {
        "digest": mail_of(digest),
        "first digest": mail_of(digest, is_first=True),
        "weekly digest": mail_of(digest, is_weekly=True),
    }
    mails = {name: message.message().as_bytes() for name, message in digests.items()}
    for kind in Letter.Kind.values:
        mails[f"letter: {kind}"] = letters.build(_letter(kind), timezone.now()).message().as_bytes()
    return mails


def _letter(kind: str) -> Letter:
    subscriber = make_reader(new_email="new@dest.example")
    return Letter.objects.create(subscriber=subscriber, kind=kind, to="new@dest.example")


# --- pages ---------------------------------------------------------------------------------
def every_page(client: Client) -> dict[str, str]:
    """The HTML of all pages by name, including error pages."""
    digest = a_digest()
    paths = {**public_paths(digest), **reader_paths(digest)}
    pages = {name: client.get(path, follow=True) for name, path in paths.items()}
    pages |= {name: client.post(path, data, follow=True) for name, path, data in _acts(digest)}
    return {name: page.content.decode() for name, page in pages.items()}


def public_paths(digest: Digest) -> dict[str, str]:
    """The paths of the public pages by name, including one that does not exist."""
    names = [
        *("", "signup/", "signup/embed/", "signup/frame/", "signup/check-your-inbox/"),
        *("signup/frame/check-your-inbox/", "signup/refused/", "erased/"),
        *("today", "archive", f"archive/{edition_of(digest).date}", "archive/2001-01-01"),
        *("topics", "topics/robots", "topics/robots?order=new", f"papers/{digest.paper_ids[0]}"),
        *("search", "search?q=robots", "search?q=robbots", "search?q=zzz", "nowhere"),
        *(f"archive/{edition_of(digest).date:%G-W%V}", f"archive/{edition_of(digest).date:%Y-%m}"),
        *("authors/Author 0", "search?topic=robots&code=1", f"signup/?author={_AUTHOR}"),
    ]
    return {f"/{name}": f"/{name}" for name in names}


def reader_paths(digest: Digest) -> dict[str, str]:
    """The paths behind the links in mails by name: good, used, expired and invalid links."""
    now = timezone.now()
    reader = digest.subscriber
    assert reader is not None
    pending = make_reader(state=Subscriber.State.PENDING, confirmed_at=None)
    moving = make_reader(new_email="new@dest.example")
    left = make_reader()
    links.ensure([left], now)
    unsubscribe(left, Consent.Act.UNSUBSCRIBED, now)
    fresh = _path(reader, Link.Purpose.PREFERENCES, now)
    Saved.objects.create(subscriber=reader, paper_id=digest.paper_ids[0], note="Table <3>")
    saved = f"/s/{links.monthly(reader.pk, now).saved}"
    return {
        "confirm": _path(pending, Link.Purpose.CONFIRM, now),
        "confirmed": _path(reader, Link.Purpose.CONFIRM, now),
        "confirm too late": _path(pending, Link.Purpose.CONFIRM, now - timedelta(days=30)),
        "not me": _path(pending, Link.Purpose.REFUSE, now),
        "preferences": urlsplit(links.preferences_url(reader.pk, now)).path,
        "preferences, own link": fresh,
        "preferences, old link": _path(reader, Link.Purpose.PREFERENCES, now - timedelta(days=9)),
        "preferences of one who left": _path(left, Link.Purpose.PREFERENCES, now),
        "another address": f"{fresh}/address",
        "another address, asked": f"{fresh}/address?asked",
        "erase": f"{fresh}/erase",
        "new address": _path(moving, Link.Purpose.CHANGE, now),
        "unsubscribe": urlsplit(links.unsubscribe_url(reader.pk)).path,
        "left": urlsplit(links.unsubscribe_url(left.pk)).path,
        "papers you like": f"{urlsplit(links.preferences_url(reader.pk, now)).path}/papers",
        "web view": read_path(digest),
        "the rest of the day": f"{read_path(digest)}/rest",
        "saved papers": saved,
        "save a paper": f"{saved}/{digest.paper_ids[1]}",
        "a saved paper": f"{saved}/{digest.paper_ids[0]}",
        "get a link": "/link",
        "link sent": "/link?sent",
        "follow": f"{fresh}/follow?author={_AUTHOR}",
        "vote": vote_path(digest),
        "bad link": "/c/nothing",
    }


def _acts(digest: Digest) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Forms to submit, with and without mistakes: name, path and data."""
    reader = digest.subscriber
    assert reader is not None
    preferences = _path(reader, Link.Purpose.PREFERENCES, timezone.now())
    yield "sign-up with mistakes", "/signup/", {"email": "a@@b", "zone": "Mars/Olympus"}
    yield "preferences with mistakes", preferences, {"length": "99"}
    yield "preferences, link mailed", preferences, {"link": "1"}
    yield "another address with mistakes", f"{preferences}/address", {"email": "a@@b"}
    ticked = {"frequency": "weekly", "weekday": "0", "hour": "7", "zone": "UTC", "language": "en"}
    yield "preview", f"{preferences}/preview", {**ticked, "length": "5"}
    saved = f"/s/{links.monthly(reader.pk, timezone.now()).saved}"
    yield "feed made", saved, {"feed": "1"}
    yield "papers not added", saved, {"add": "1", "papers": "?"}
    yield "link to nobody", "/link", {"email": "a@@b"}
    yield "voted", vote_path(digest), {"w": "more"}
    yield "followed", f"{preferences}/follow?author={_AUTHOR}", {}
    yield "came weekly", urlsplit(links.unsubscribe_url(reader.pk)).path, {"page": "weekly"}


def _path(reader: Subscriber, purpose: Link.Purpose, made_at: datetime) -> str:
    lifetime = links.FRESH_LIFETIME
    return urlsplit(links.issue(reader, purpose, lifetime, made_at)).path
