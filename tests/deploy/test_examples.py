"""Nothing real starts with a key that everybody knows, and our own recipe makes good ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
EXAMPLE = (DEPLOY / "env.example").read_text()
KEYS = dict(re.findall(r"^((?:SECRET|LINK|ADDRESS)_KEY)=(.+)$", EXAMPLE, re.M))
LOAD = "from django.conf import settings; settings.DEBUG; print('started')"


def run(*arguments: str, **changes: str) -> str:
    """What a process with the tests' environment and these changes prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"ENV_FILE": os.devnull} | changes,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *KEYS.items(),
        ("ADDRESS_KEY", KEYS["LINK_KEY"]),
        ("SECRET_KEY_FALLBACKS", f"{'a' * 40},old-key"),
        ("SECRET_KEY_FALLBACKS", KEYS["SECRET_KEY"]),
        ("WEBHOOK_SECRET", "user:password"),
        ("ANYMAIL_POSTMARK_SERVER_TOKEN", "token"),
    ],
)
def test_an_example_stops_the_start_by_the_name_of_its_variable(name: str, value: str) -> None:
    example = run("-c", LOAD, **{name: value})
    exposed = run("-c", LOAD, **{name: value}, DEBUG="1")

    assert ("started" in example, "started" in exposed) == (False, False)
    assert f"ImproperlyConfigured: {name} is the example" in example


def test_what_is_no_example_starts() -> None:
    assert run("-c", LOAD).strip() == "started"


def test_linting_works_with_the_example_and_so_does_a_developers_machine() -> None:
    example = str(DEPLOY / "env.example")
    names = set(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.M))
    emptied = {name: value for name, value in os.environ.items() if name not in names}
    for command in (["manage.py", "check"], ["-c", LOAD]):
        done = subprocess.run(
            [sys.executable, *command],
            env=emptied | {"ENV_FILE": example, "DEBUG": "0" if "check" in command else "1"},
            check=False,
        )
        assert done.returncode == 0


@pytest.mark.parametrize(
    ("site", "host"),
    [("http://[::1]:8000", "[::1]"), ("https://News.Example.org.", "news.example.org")],
)
def test_a_site_may_be_reached_by_its_own_url(site: str, host: str) -> None:
    asked = f"r = RequestFactory().get('/', HTTP_HOST='{host}'); print(r.get_host())"
    program = f"import django; django.setup(); from django.test import RequestFactory; {asked}"

    assert run("-c", program, SITE_URL=site).strip() == host


def test_keys_by_our_own_recipe_draw_no_warning() -> None:
    recipe = re.search(r"python3 -c '(.+)'", EXAMPLE)
    assert recipe is not None
    keys = {name: run("-c", recipe[1]).strip() for name in KEYS}

    said = run("manage.py", "check", "--deploy", **keys, TRUSTED_PROXIES="1")

    assert len(set(keys.values())) == 3
    assert "security.W009" not in said
    assert "KEY" not in said
