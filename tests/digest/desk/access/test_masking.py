"""Whoever may not see readers' addresses sees none, and finds out none either."""

import pytest
from django.test import Client

from digest.models import Event
from subscribers import addresses
from subscribers.models import Suppression
from tests.digest.desk.access import pages
from tests.digest.desk.access.pages import NOBODY, NONE
from tests.digest.desk.access.people import browser_of, user_of

pytestmark = pytest.mark.django_db
ADDRESS = "ada.lovelace@dest.example"
LISTS = [name for name in pages.MODELS if name.startswith(("digest_", "subscribers_"))]


def found(client: Client, path: str) -> int:
    """How many rows a list shows; 0 if it refuses the question."""
    page = client.get(path)
    return page.context["cl"].queryset.count() if page.status_code == 200 else 0


def test_no_page_shows_an_address_to_a_viewer() -> None:
    scene = pages.make_scene()
    pk = scene.rows["subscribers_subscriber"].pk
    viewer, operator = browser_of(user_of("viewer")), browser_of(user_of("operator"))
    shows: dict[str, list[str]] = {"viewer": [], "operator": []}

    for name in filter(pages.is_known, sorted(set(pages.names()) - pages.OPEN)):
        for who, client in (("viewer", viewer), ("operator", operator)):
            if pages.allowed(name)[0] in {NONE, NOBODY}:
                continue
            query = f"?reader={pk}" if "preview" in name else ""
            page = client.get(scene.url(name) + query, follow=True).content.decode()
            if ADDRESS in page or "ada.lovelace" in page:
                shows[who].append(name)

    assert shows["viewer"] == []
    assert {"subscribers_subscriber_changelist", "digest_edition_preview", "person"} <= set(
        shows["operator"]
    )


@pytest.mark.parametrize(("role", "may"), [("editor", False), ("operator", True)])
def test_nobody_finds_a_reader_by_an_address_that_they_may_not_see(role: str, may: bool) -> None:
    scene = pages.make_scene()
    reader = scene.rows["subscribers_subscriber"]
    Suppression.objects.filter().update(address_hash=addresses.hashed(ADDRESS))
    client = browser_of(user_of(role))
    questions = [
        f"/admin/subscribers/subscriber/?q={ADDRESS}",
        "/admin/subscribers/subscriber/?q=lovelace",
        f"/admin/subscribers/subscriber/?email={ADDRESS}",
        "/admin/subscribers/subscriber/?email__startswith=ada",
        f"/admin/subscribers/subscriber/?address_hash={addresses.hashed(ADDRESS)}",
        f"/admin/subscribers/consent/?q={ADDRESS}",
        f"/admin/subscribers/suppression/?q={ADDRESS}",
        f"/admin/digest/digest/?q={ADDRESS}",
    ]

    assert [found(client, one) > 0 for one in questions] == [may] * len(questions)
    assert found(client, f"/admin/subscribers/subscriber/?q={reader.pk}") == (0 if may else 1)
    leads_to = client.post(scene.url("digest_edition_preview_find"), {"reader": ADDRESS}).headers[
        "Location"
    ]
    assert ("?reader=" in leads_to) == may
    person = client.post("/admin/people/", {"reader": ADDRESS})
    assert (person.status_code == 302) == may


def test_no_filter_of_a_list_leads_to_an_address() -> None:
    pages.make_scene()
    Event.objects.update(reject_reason="invalid")
    viewer = browser_of(user_of("viewer"))

    for way in ("subscriber__email__startswith", "digest__subscriber__email__startswith"):
        for name in LISTS:
            path = f"/admin/{name.replace('_', '/', 1)}/?{way}=ada"
            assert found(viewer, path) == 0 or viewer.get(path).status_code != 200
