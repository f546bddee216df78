"""The page in the admin: GET shows, POST checks, and neither changes anything."""

import re

import dns.resolver
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from tests.dns_server import DnsServer

from .conftest import DOMAIN, Site

pytestmark = pytest.mark.django_db
PAGE = "/admin/delivery/"


@pytest.fixture(autouse=True)
def _asks_our_server(names: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page asks the system's DNS server, which is ours here."""
    ours = dns.resolver.Resolver(configure=False)
    ours.nameservers, ours.port = ["127.0.0.1"], names.port
    monkeypatch.setattr(dns.resolver, "default_resolver", ours)


def words_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def test_the_page_checks_only_when_asked(
    good: Settings, names: DnsServer, site: Site, admin_client: Client
) -> None:
    names.put(DOMAIN, "TXT")

    shown = admin_client.get(PAGE, secure=True)
    before = (list(names.asked), list(site.posted))
    checked = words_of(admin_client.post(PAGE, secure=True).content)

    assert (shown.status_code, before) == (200, ([], []))
    assert f"spf-record : {DOMAIN} has no SPF record. Publish a TXT record" in checked
    assert "2025-05-05 Microsoft: SPF and DKIM Wrong. See above: spf-record." in checked
    assert checked.index("Wrong") < checked.index("Cannot tell") < checked.index("Right ")


def test_the_page_is_for_those_who_may_release_a_hold(client: Client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    codes = [client.get(PAGE, secure=True).status_code]
    staff.user_permissions.add(Permission.objects.get(codename="change_hold"))

    codes.append(client.get(PAGE, secure=True).status_code)

    assert codes == [403, 200]
    assert Client().post(PAGE, secure=True).status_code == 302


def test_today_leads_to_the_page(admin_client: Client) -> None:
    assert f'href="{PAGE}"' in admin_client.get("/admin/", secure=True).content.decode()


def test_the_page_speaks_german(good: Settings, names: DnsServer, admin_client: Client) -> None:
    names.put(DOMAIN, "TXT")

    answer = admin_client.post(PAGE, secure=True, headers={"Accept-Language": "de"})

    assert f"{DOMAIN} hat keinen SPF-Eintrag." in words_of(answer.content)
