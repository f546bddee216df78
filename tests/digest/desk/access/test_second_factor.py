"""The second step of the login, the page for adding factors, and the ways back in."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
import time_machine
from django.conf import settings as project_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.desk.access import factors, secrets
from digest.models import AuditEntry, Factor, RecoveryCode
from subscribers.joining import abuse
from tests.digest.desk.access.people import browser_of, user_of

pytestmark = pytest.mark.django_db
PASSWORD = "a right password"
KEY = "JBSWY3DPEHPK3PXP" * 2


@pytest.fixture(autouse=True)
def _nothing_was_counted() -> None:
    abuse._window(project_settings.REDIS_URL).storage.reset()
    abuse._own_window().storage.reset()


@pytest.fixture(autouse=True)
def _clock_stands_still() -> Iterator[None]:
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def ada() -> User:
    user = user_of("operator", "ada")
    user.set_password(PASSWORD)
    user.save()
    return user


def code(*, steps: int = 0) -> str:
    """What the app shows, or showed or will show some half-minutes away."""
    return pyotp.TOTP(KEY).at(timezone.now(), counter_offset=steps)


def add_app(user: User) -> Factor:
    made = factors.add_app(user, KEY, code(steps=-1), "Phone")
    assert made is not None
    return made


def log_in(client: Client, password: str = PASSWORD, network: str = "192.0.2.1") -> str:
    """Type the password. Returns where that leads."""
    fields = {"username": "ada", "password": password, "next": "/admin/tables/"}
    page = client.post("/admin/login/", fields, REMOTE_ADDR=network)
    return str(page.headers.get("Location", ""))


def second_step(client: Client, typed: str, network: str = "192.0.2.1") -> str:
    page = client.post("/admin/login/second/", {"code": typed}, REMOTE_ADDR=network)
    return str(page.headers.get("Location", ""))


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def acts() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("act", "result"))


# --- logging in ----------------------------------------------------------------------------
def test_a_password_alone_opens_nothing_to_whom_has_a_second_factor(ada: User) -> None:
    add_app(ada)
    client = Client()
    assert log_in(client) == "/admin/login/second/"
    before = client.cookies["sessionid"].value

    assert [second_step(client, "000000"), is_in(client)] == ["", False]
    assert "known" not in client.cookies
    assert second_step(client, code()) == "/admin/tables/"

    assert is_in(client)
    assert client.cookies["sessionid"].value != before
    assert acts() == [("session.begin", "refused"), ("session.begin", "done")]


def test_a_used_code_does_not_work_twice_nor_one_before_it(ada: User) -> None:
    add_app(ada)
    first, second = Client(), Client()
    log_in(first)
    assert second_step(first, code())

    log_in(second)

    assert second_step(second, code()) == ""
    assert second_step(second, code(steps=-1)) == ""
    assert second_step(second, code(steps=1)) != ""


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_a_code_of_another_minute_does_not_work(ada: User, steps: int) -> None:
    add_app(ada)
    client = Client()
    log_in(client)

    assert second_step(client, code(steps=steps)) == ""


def test_the_second_step_needs_the_first_and_not_long_ago(ada: User) -> None:
    add_app(ada)
    client = Client()
    assert second_step(client, code()) == "/admin/login/"
    log_in(client)

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert second_step(client, code()) == "/admin/login/"
    log_in(client)
    ada.set_password("another password")
    ada.save()
    assert second_step(client, code()) == "/admin/login/"


def test_guessing_codes_is_stopped_and_locks_nobody_out_of_a_browser_they_have_used(
    ada: User,
) -> None:
    add_app(ada)
    known, thief = Client(), Client()
    log_in(known)
    second_step(known, code())
    known.post("/admin/logout/")
    for number in range(3):
        network = f"198.51.{number}.1"
        assert log_in(thief, network=network)
        for _ in range(9):
            second_step(thief, "000000", network)

    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        assert second_step(thief, code(), "203.0.113.1") == ""
        log_in(known)
        assert second_step(known, code()) == "/admin/tables/"


def test_recovery_codes_work_once_and_are_stored_hashed(ada: User) -> None:
    add_app(ada)
    one, other, *_ = factors.new_codes(ada)
    client = Client()
    log_in(client)

    assert second_step(client, f" {one.upper()} ") == "/admin/tables/"

    again = Client()
    log_in(again)
    assert second_step(again, one) == ""
    assert second_step(again, other.replace("-", "")) == "/admin/tables/"
    stored = set(RecoveryCode.objects.values_list("code_hash", flat=True))
    assert one not in stored
    assert secrets.hashed(one) in stored
    assert factors.codes_left(ada) == len(stored) - 2


def test_the_key_of_an_app_is_not_in_the_database(ada: User, settings: Settings) -> None:
    made = add_app(ada)
    made.refresh_from_db()

    assert KEY.encode() not in bytes(made.secret)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-0123456789-0123456789"
    assert factors.use(ada, code()) == factors.APP
    settings.SECRET_KEY_FALLBACKS = []
    assert factors.use(ada, code(steps=1)) == ""


# --- who must have one ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("role", "needs"), [("viewer", False), ("editor", False), ("operator", True), ("owner", True)]
)
def test_who_must_have_one_sees_nothing_before(role: str, needs: bool, settings: Settings) -> None:
    settings.SECOND_FACTOR_FOR = ["operator", "owner"]
    client = browser_of(user_of(role))

    seen = client.get("/admin/digest/paper/")

    assert seen.headers.get("Location") == ("/admin/account/" if needs else None)
    assert client.get("/admin/account/").status_code == 200
    posted = client.post("/admin/digest/hold/add/", {"mail_service": "", "reason": "x"})
    assert posted.status_code == (302 if needs else 403)
    assert not needs or posted.headers["Location"] == "/admin/account/"


def test_one_is_added_with_recovery_codes_that_are_shown_once(
    ada: User, settings: Settings
) -> None:
    settings.SECOND_FACTOR_FOR = ["operator", "owner"]
    client = Client()
    log_in(client)
    page = client.get("/admin/account/app/").content.decode()
    key = re.sub(r"\s", "", re.findall(r'class="key">([^<]*)<', page)[0])
    assert "<svg" in page
    assert client.post("/admin/account/app/", {"code": "000000"}).status_code == 200
    assert not Factor.objects.exists()

    made = client.post("/admin/account/app/", {"code": pyotp.TOTP(key).now(), "name": "Phone"})

    codes = re.findall(r"<li>([a-z0-9-]{19})</li>", made.content.decode())
    assert len(set(codes)) == secrets.CODES
    assert "no-store" in made.headers["Cache-Control"]
    assert is_in(client)
    account = client.get("/admin/account/").content.decode()
    assert "Phone" in account
    assert not any(one in account for one in codes)
    assert ("factor.add", "done") in acts()
    other = Client()
    log_in(other)
    assert second_step(other, codes[0]) == "/admin/tables/"


# --- changing it ---------------------------------------------------------------------------
def test_taking_one_away_needs_it_again(ada: User) -> None:
    made = add_app(ada)
    client = Client()
    log_in(client)
    second_step(client, code())
    url = f"/admin/account/remove/{made.pk}/"

    asked = client.post(url)
    assert asked.headers["Location"].startswith("/admin/account/confirm/")
    assert client.post("/admin/account/confirm/", {"password": PASSWORD}).status_code == 200
    assert client.post("/admin/account/codes/").status_code == 302
    assert Factor.objects.exists()
    assert client.post("/admin/account/confirm/", {"code": code()}).status_code == 200
    confirmed = client.post("/admin/account/confirm/", {"code": code(steps=1)})

    assert confirmed.headers["Location"] == "/admin/account/"
    assert client.post(url).headers["Location"] == "/admin/account/"
    assert not Factor.objects.exists()
    assert not RecoveryCode.objects.exists()
    confirmations = [result for act, result in acts() if act == "factor.confirm"]
    assert confirmations == ["refused", "refused", "done"]
    assert acts()[-1] == ("factor.remove", "done")


def test_without_one_the_password_is_asked_for_again_after_a_while(ada: User) -> None:
    client = Client()
    log_in(client)
    assert client.get("/admin/account/app/").status_code == 200

    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert client.get("/admin/account/app/").status_code == 302
        wrong = {"password": "wrong", "next": "https://evil.example/"}
        assert client.post("/admin/account/confirm/", wrong).status_code == 200
        right = client.post("/admin/account/confirm/", {**wrong, "password": PASSWORD})
        assert right.headers["Location"] == "/admin/account/"
        assert client.get("/admin/account/app/").status_code == 200


def test_nobody_takes_away_the_factor_of_another(ada: User) -> None:
    made = add_app(ada)
    eve = user_of("owner", "eve")
    client = browser_of(eve)
    session = client.session
    session["confirmed"] = timezone.now().timestamp()
    session.save()

    client.post(f"/admin/account/remove/{made.pk}/")

    assert Factor.objects.exists()
    assert acts() == [("factor.remove", "same")]


def test_an_owner_resets_the_factor_of_another_and_that_is_in_the_log(ada: User) -> None:
    add_app(ada)
    factors.new_codes(ada)
    client = Client()
    log_in(client)
    second_step(client, code())
    owner = user_of("owner", "olga")

    mine = browser_of(owner).post(f"/admin/auth/user/{owner.pk}/reset/")
    reset = browser_of(owner).post(f"/admin/auth/user/{ada.pk}/reset/")

    assert (mine.status_code, reset.status_code) == (403, 302)
    assert not is_in(client)
    assert not Factor.objects.exists()
    assert not RecoveryCode.objects.exists()
    entry = AuditEntry.objects.get(act="factor.reset")
    assert (entry.by_id, entry.kind, entry.key) == (owner.pk, "auth.user", str(ada.pk))
    assert log_in(client) == "/admin/tables/"


def test_whoever_runs_the_server_can_always_let_somebody_in_again(ada: User) -> None:
    add_app(ada)

    call_command("reset_second_factor", "ada")
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody")

    assert log_in(Client()) == "/admin/tables/"
    entry = AuditEntry.objects.get(act="factor.reset")
    assert (entry.by_name, entry.via, entry.key) == ("manage.py", "command", str(ada.pk))


@pytest.mark.parametrize(
    "answer",
    ["", "x", "[]", "{}", '{"id": 1}', '{"id": "a", "rawId": "a", "response": {}}', "null"],
)
def test_an_answer_that_somebody_made_up_is_no_passkey(ada: User, answer: str) -> None:
    client = Client()
    log_in(client)
    client.get("/admin/account/passkey/")

    assert client.post("/admin/account/passkey/", {"passkey": answer}).status_code == 200

    Factor.objects.create(user=ada, kind="passkey", name="Key", secret=_CREDENTIAL, credential="a")
    other = Client()
    log_in(other)
    assert other.get("/admin/login/second/").status_code == 200
    page = other.post("/admin/login/second/", {"passkey": answer})
    assert page.status_code == 200
    assert not is_in(other)


# Attested credential data: of no authenticator, with the id "0123456789abcdef" and a key on P-256.
_CREDENTIAL = (
    bytes(16)
    + (16).to_bytes(2, "big")
    + b"0123456789abcdef"
    + bytes.fromhex("a5010203262001215820")
    + bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
    + bytes.fromhex("225820")
    + bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
)


# --- sessions ------------------------------------------------------------------------------
def test_a_session_ends_when_it_is_idle_and_after_eight_hours(ada: User) -> None:
    client = Client()
    log_in(client)
    start = timezone.now()

    for minutes, is_still_in in ((59, True), (118, True), (179, False)):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert is_in(client) == is_still_in
    log_in(client)
    for minutes in range(0, 480, 50):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert is_in(client)
    with time_machine.travel(start + timedelta(minutes=481)):
        assert not is_in(client)


def test_logging_out_everywhere_leaves_only_this_browser_in(ada: User) -> None:
    here, there = Client(), Client()
    log_in(here)
    log_in(there)

    here.post("/admin/account/everywhere/")

    assert (is_in(here), is_in(there)) == (True, False)
    assert ("session.end_others", "done") in acts()
    assert log_in(there) == "/admin/tables/"
    assert (is_in(here), is_in(there)) == (True, True)


def test_a_session_from_before_the_factor_does_not_count_afterwards(ada: User) -> None:
    old = Client()
    log_in(old)
    assert is_in(old)

    add_app(ada)

    assert not is_in(old)
    assert log_in(old) == "/admin/login/second/"
