"""A file of each system, and what its states become."""

import pytest

from subscribers import addresses
from subscribers.importing import reading, systems
from subscribers.models import Suppression

from . import files
from .conftest import Importing, states

ADA, BO, CY, DEE, EVE = (f"{name}@dest.example" for name in ("ada", "bo", "cy", "dee", "eve"))


@pytest.mark.parametrize(
    ("content", "system", "readers", "suppressed", "counts"),
    [
        (files.LISTMONK, "listmonk", {ADA: "active", BO: "unsubscribed"}, {CY: "manual"}, {}),
        (files.MAILCHIMP, "mailchimp", {ADA: "active"}, {}, {}),
        (
            files.MAILCHIMP_UNSUBSCRIBED,
            "mailchimp",
            {BO: "unsubscribed"},
            {CY: "complained"},
            {"nothing": 1},
        ),
        (files.MAILCHIMP_CLEANED, "mailchimp", {}, {BO: "bounced"}, {}),
        (files.SUBSTACK, "substack", {ADA: "active", BO: "unsubscribed"}, {}, {}),
        (
            files.BUTTONDOWN,
            "buttondown",
            {ADA: "active", BO: "unsubscribed"},
            {DEE: "bounced"},
            {"unconfirmed": 1},
        ),
        (files.GHOST, "ghost", {ADA: "active", BO: "unsubscribed"}, {}, {}),
        (
            files.KEILA,
            "keila",
            {ADA: "active", BO: "unsubscribed", DEE: "unsubscribed"},
            {CY: "bounced"},
            {"nothing": 1},
        ),
    ],
)
def test_states_of_each_system(
    importing: Importing,
    content: str,
    system: str,
    readers: dict[str, str],
    suppressed: dict[str, str],
    counts: dict[str, int],
) -> None:
    done = importing(content)
    assert done.outcome.system.name == system
    assert states() == readers
    reasons = dict(Suppression.objects.values_list("address_hash", "reason"))
    assert reasons == {addresses.hashed(email): reason for email, reason in suppressed.items()}
    assert {key: done.counts.get(key) for key in counts} == counts
    assert sum(done.counts.values()) == len(done.rows)


@pytest.mark.parametrize(
    ("word", "wish"),
    [
        *((word, "active") for word in ("Subscribed", "ENABLED", "active", "past due")),
        *((word, "left") for word in ("unsubscribed", "inactive", "disabled", "archived")),
        *((word, "bounced") for word in ("cleaned", "Hard bounced", "unreachable")),
        *((word, "complained") for word in ("complained", "spam")),
        *((word, "blocked") for word in ("blocklisted", "blacklisted", "suppressed")),
        *((word, "unconfirmed") for word in ("pending", "non-subscribed", "unactivated")),
        *((word, "unknown") for word in ("resubscribed", "actively", "maybe")),
        ("", "nothing"),
    ],
)
def test_states_are_whole_words(word: str, wish: str) -> None:
    assert systems.wish_of({"state": word}) == wish


def test_the_worst_of_several_signs_counts() -> None:
    assert systems.wish_of({"state": "active", "left_at": "2024-01-01"}) == "left"
    assert systems.wish_of({"state": "active", "suppressed": "bounced"}) == "bounced"
    assert systems.wish_of({"is_subscribed": "true", "left_at": ""}) == "active"


def test_columns_in_any_order_and_case(importing: Importing) -> None:
    assert importing("STATUS, E-Mail ,Name\nactive,ada@dest.example,Ada\n").counts == {"added": 1}


def test_columns_that_the_operator_names(importing: Importing) -> None:
    content = "Contact;Newsletter?;Zone\nada@dest.example;yes;x\nbo@dest.example;no;x\n"
    mapped = {"contact": "email", "Newsletter?": "is_subscribed", "Zone": "-"}
    assert importing(content, mapped=mapped).counts == {"added": 1, "left": 1}


@pytest.mark.parametrize(
    ("content", "mapped", "said"),
    [
        ("name^email\nAda^ada@dest.example\n", {}, "No column has the addresses"),
        ("name,phone\nAda,1\n", {}, "No column has the addresses"),
        ("email,email\na@dest.example,b@dest.example\n", {}, "Both"),
        ("email,status,state\na@dest.example,active,left\n", {"status": "x"}, "no field"),
        ("email\na@dest.example\n", {"mail": "email"}, "no column"),
        ("Ada,ada@dest.example\n", {}, "must name the columns"),
        ("BEGIN:VCARD\nEMAIL:ada@dest.example\nEND:VCARD\n", {}, "No column"),
    ],
)
def test_what_cannot_be_understood_fails_loudly(
    importing: Importing, content: str, mapped: dict[str, str], said: str
) -> None:
    with pytest.raises(systems.BadColumns, match=said):
        importing(content, mapped=mapped)
    assert states() == {}


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PK\x03\x04rest", b"\x00\x01\x02\x80" * 9])
def test_what_is_no_table_is_refused(importing: Importing, content: bytes) -> None:
    with pytest.raises((reading.UnreadableFile, systems.BadColumns)):
        importing(content)
