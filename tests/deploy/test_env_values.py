"""Settings are read strictly: a value either works, or stops the start with the variable's name.

Each value is tried on every variable of ``env.example``, in processes without the others' values.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
LINE = re.compile(r"#?(?P<name>[A-Z][A-Z0-9_]+)=\S.*")
GOOD = {
    "SITE_URL": "https://news.example.org",
    "SECRET_KEY": "s" * 40,
    "LINK_KEY": "l" * 40,
    "ADDRESS_KEY": "a" * 40,
    "DATABASE_URL": "postgresql://u:p@localhost/b",
    "REDIS_URL": "redis://localhost/0",
    "MAIL_FROM": "Broadsheet <digest@news.example.org>",
    "MAIL_SERVICE_MAIN": "smtp://localhost",
}
NASTY = [
    *("", "   ", "x", "-1", "0", "0.5", "0.02x", "1e999", "NaN", "inf", "99999999999999999999"),
    *("1_000", "0x10", "١٢", "½", "1,1", "a=1,a=2", "=", "=5", "a=", ",,,", "$HOME", "é", "\u202e"),
    *("a\nb", "a\rb", "\x01", "\udcff", "x" * 5000, "http://", "https://a b/", "https://[::1"),
    *("ftp://a.example", "redis://", "smtp://", "smtp://a:b/c@d", "postgresql://", "//x", "a@b@c"),
    *("a, b <c@d.example>", "a: b <c@d.example>", "<>", "@", "a@", "@b", "a b@c.example", "a.b.c"),
    *("smtp://h:99999", "redis://h:0/0", "https://bücher.example", "*", ".", "../x", "true", "[]"),
]
# Reads the settings anew for each set of values, and says what came of each.
PROGRAM = """
import importlib, json, os, sys, warnings
warnings.simplefilter("ignore")
import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
import deploy.celery
cases, names = json.loads(sys.stdin.read())
for case in cases:
    for name in [*names, *(n + "_FILE" for n in names)]:
        os.environ.pop(name, None)
    os.environ.update({n: v.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
        for n, v in case.items()})
    for module in [m for m in sys.modules if m.startswith(("deploy.env", "deploy.settings"))]:
        del sys.modules[module]
    try:
        settings = importlib.import_module("deploy.settings")
        said = ["started", {n: repr(getattr(settings, n)) for n in dir(settings) if n.isupper()}]
    except ImproperlyConfigured as error:
        said = ["refused", str(error)]
    except BaseException as error:
        said = ["crashed", repr(error)]
    print(json.dumps(said))
"""


def names() -> list[str]:
    lines = (DEPLOY / "env.example").read_text().splitlines()
    return sorted({match["name"] for line in lines if (match := LINE.fullmatch(line))})


def read(*cases: dict[str, str]) -> list[Any]:
    """What the settings say to each set of values. One child reads many: it takes long to start."""
    return [
        json.loads(line) for line in _lines(json.dumps([[GOOD | one for one in cases], names()]))
    ]


@cache
def _lines(asked: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=asked,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull},
        cwd=DEPLOY.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_variable_takes_a_value_or_is_named_in_the_error() -> None:
    """Values that work for one variable are nonsense for another."""
    tried = [(name, value) for name in names() for value in NASTY]

    answers = read(*({name: value} for name, value in tried))

    wrong = [
        (name, value, how, why)
        for (name, value), (how, why) in zip(tried, answers, strict=True)
        if how == "crashed" or (how == "refused" and not re.search(rf"\b{name}", why))
    ]
    assert wrong == []


HOPELESS = [
    ("BREAKER_REFUSED_PERCENT", "0"),
    ("BREAKER_REFUSED_PERCENT", "101"),
    ("BREAKER_COMPLAINED_PERCENT", "nan"),
    ("BREAKER_DOUBTED_PERCENT", "-5"),
    ("MAIL_WARM_UP", "abc"),
    ("MAIL_WARM_UP", "50,0"),
    ("MAIL_WARM_UP", "50,1.5"),
    ("MAIL_PER_DAY", "0.5"),
    ("MAIL_PER_DAY", "100.5"),
    ("MAIL_PER_DAY", "nobody=5"),
    ("MAIL_PER_SECOND", "5,6"),
    ("MAIL_PER_SECOND", "smtp=5,smtp=6"),
    ("PROVIDER_PER_SECOND", "gogle=5"),
    ("PROVIDER_PER_SECOND", "5"),
    ("RANKING_VOTE_WEIGHT", "0.02x"),
    ("RANKING_VOTE_WEIGHT", "-1"),
    ("RANKING_TRIAL", "VOTE_WEIGHT=x"),
    ("SENDERS", "2x"),
    ("SENDERS", "٢"),
    ("LOG_LEVEL", "LOUD"),
    ("SOURCES", "huggingface,arxive"),
    ("SOURCES", "arxiv,arxiv"),
    ("ARXIV_CATEGORIES", "cs.AI;cs.CL"),
    ("FEEDS", "example.org/feed"),
    ("FEEDS", "file:///etc/passwd"),
    ("ALLOWED_HOSTS", "a b.example"),
    ("ALLOWED_HOSTS", "https://a.example"),
    ("SIGNUP_REDIRECTS", "https://a.example/page"),
    ("SIGNUP_REDIRECTS", "https://a.example;script-src"),
    ("SITE_URL", "https://a.example:port"),
    ("SITE_URL", "https://user@a.example"),
    ("SITE_URL", "https://a.example/#x"),
    ("MAIL_FROM", "Broadsheet"),
    ("MAIL_FROM", "a@b.example, c@d.example"),
    ("MAIL_FROM", "digest@news..example.org"),
    ("MAIL_REPLY_TO", "help"),
    ("MAIL_UNSUBSCRIBE", "U <u@news.example.org>"),
    ("MAIL_BOUNCES", "@news.example.org"),
    ("MAIL_BOUNCES_MAILBOX", "imap+ssl://user:pa/ss@mail.example/INBOX"),
    ("MAIL_BOUNCES_MAILBOX", "imap+ssl://mail.example/INBOX"),
    ("MAIL_BOUNCES_MAILBOX", "pop3+ssl://user:p@mail.example/INBOX"),
    ("MAIL_BOUNCES_MAILBOX", "imaps://user:p@mail.example"),
    ("MAIL_BOUNCES_MAILBOX", "maildir:///"),
    ("MAIL_BACKEND", "anymail.backends.nobody.EmailBackend"),
    ("MAIL_BACKEND", "smtp"),
    ("MAIL_SERVICES", "main=1,MAIN=2"),
    ("MAIL_SERVICES", "main=-1"),
    ("MAIL_SERVICE_MAIN", "nonsense"),
    ("WEBHOOK_SECRET", "only-a-password"),
    ("EMAIL_URL", "smtp://user:pa/ss@mail.example"),
    ("EMAIL_URL", "smtp://user@mail.example"),
    ("EMAIL_URL", "smtp://mail.example:0"),
    ("REDIS_URL", "redis://:pa/ss@localhost/0"),
    ("REDIS_URL", "redis://localhost/zero"),
    ("REDIS_URL", "rediss://localhost/0?ssl_cert_reqs=maybe"),
    ("DATABASE_URL", "postgresql://u:pa/ss@localhost/b"),
    ("DATABASE_URL", "postgresql://u:p@localhost/b?sslmode=maybe"),
    ("DATABASE_URL", "postgresql://u:p@localhost/b?nonsense=1"),
    ("DATABASE_URL", "mysql://u:p@localhost/b"),
    ("STATE_FOLDER", "manage.py"),
]


def cases_of(tried: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    services = {"MAIL_SERVICES": "main"}
    return [{**(services if "MAIL_SERVICE_" in name else {}), name: value} for name, value in tried]


@pytest.mark.parametrize(("name", "value"), HOPELESS)
def test_a_value_that_could_not_work_is_refused(name: str, value: str) -> None:
    how, why = read(*cases_of(HOPELESS))[HOPELESS.index((name, value))]

    assert (how, name in why) == ("refused", True), why
    assert "pa/ss" not in why


GOOD_ONES: list[tuple[str, str, str, object]] = [
        ("MAIL_FROM", "Papers, daily <d@n.example>", "DEFAULT_FROM_EMAIL",
         '"Papers, daily" <d@n.example>'),
        ("MAIL_FROM", "Papers: daily <d@n.example>", "DEFAULT_FROM_EMAIL",
         '"Papers: daily" <d@n.example>'),
        ("MAIL_FROM", '"A \\"b\\"" <d@n.example>', "DEFAULT_FROM_EMAIL",
         '"A \\"b\\"" <d@n.example>'),
        ("MAIL_FROM", "Zeitung <d@bücher.example>", "DEFAULT_FROM_EMAIL",
         "Zeitung <d@xn--bcher-kva.example>"),
        ("MAIL_FROM", "d@bücher.example", "MAIL_DOMAIN", "xn--bcher-kva.example"),
        ("SITE_URL", "https://Bücher.example:8443/", "SITE_URL",
         "https://xn--bcher-kva.example:8443"),
        ("SITE_URL", "http://[::1]:8000", "SITE_URL", "http://[::1]:8000"),
        ("ALLOWED_HOSTS", ".bücher.example", "ALLOWED_HOSTS",
         ["news.example.org", ".xn--bcher-kva.example"]),
        ("REDIS_URL", "rediss://:p%2Fw@h.example/0?ssl_cert_reqs=CERT_NONE", "REDIS_URL",
         "rediss://:p%2Fw@h.example/0?ssl_cert_reqs=none"),
        ("EMAIL_URL", "smtp+tls://u%40x:p%2Fw@mail.example", "EMAIL_HOST_PASSWORD", "p/w"),
        ("SITE_NAME", "Papers, daily: ä", "SITE_NAME", "Papers, daily: ä"),
        ("MAIL_PER_DAY", "5000000", "MAIL_PER_DAY", {"": 5_000_000}),
        ("MAIL_WARM_UP", "50,50,100", "MAIL_WARM_UP", [50, 50, 100]),
        ("BREAKER_REFUSED_PERCENT", "2.5", "BREAKER_REFUSED", 0.025),
        ("LOG_LEVEL", "DEBUG", "LOG_LEVEL", None),
        ("FEEDS", "https://a.example/x?y=z", "FEEDS", ["https://a.example/x?y=z"]),
        ("SECRET_KEY", "$" * 40, "SECRET_KEY", "$" * 40),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "setting", "expected"), GOOD_ONES)
def test_a_value_becomes_what_the_protocols_want(
    name: str, value: str, setting: str, expected: object
) -> None:
    tried = [(name, value) for name, value, *_ in GOOD_ONES]

    how, said = read(*cases_of(tried))[tried.index((name, value))]

    assert how == "started", said
    if expected is not None:
        assert said[setting] == repr(expected)


def test_a_file_that_is_not_there_is_named() -> None:
    answers = read({"REDIS_URL_FILE": "/nowhere"}, {"REDIS_URL_FILE": sys.executable})

    assert [(how, "REDIS_URL_FILE" in why) for how, why in answers] == [("refused", True)] * 2


def test_a_limit_may_name_the_only_service() -> None:
    backend = {"MAIL_BACKEND": "anymail.backends.postmark.EmailBackend"}

    answers = read(
        {"MAIL_PER_SECOND": "smtp=5"},
        backend | {"MAIL_PER_SECOND": "Postmark=5,7"},
        backend | {"MAIL_PER_SECOND": "smtp=5"},
        {"MAIL_SERVICES": "main=2", "MAIL_PER_DAY": "main=5"},
    )

    assert [how for how, _ in answers] == ["started", "started", "refused", "started"]
