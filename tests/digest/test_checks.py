"""What ``manage.py check`` says at every start."""

import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from digest.checks import check_a_mail, check_mail_backends, check_mail_services, check_papers

SES = "anymail.backends.amazon_ses.EmailBackend"


def test_the_usual_backend_can_be_used() -> None:
    assert check_mail_backends() == []


@pytest.mark.parametrize("name", ["boto3", "botocore.client"])
def test_a_backend_without_its_package_is_an_error_that_names_both(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "anymail.backends.amazon_ses", raising=False)
    settings.EMAIL_BACKEND = SES

    (error,) = check_mail_backends()

    assert error.id == "broadsheet.E005"
    assert error.msg.startswith(f"MAIL_BACKEND names “{SES}”, which cannot be used: The boto3 pack")
    assert "\n" not in error.msg
    assert check_mail_services() == []


@pytest.mark.parametrize(
    "path",
    [
        "anymail.backends.postmrak.EmailBackend",
        "anymail.backends.postmark.EmailBakend",
        "postmark",
        "",
        "digest.delivery.run.nothing",
    ],
)
def test_a_backend_that_does_not_exist_is_an_error(settings: Settings, path: str) -> None:
    settings.MAIL_SERVICES = {"main": {"BACKEND": path, "OPTIONS": {}, "WEIGHT": 1}}

    assert [error.msg.partition(" ")[0] for error in check_mail_backends()] == ["MAIL_SERVICE_MAIN"]


def test_a_module_that_breaks_when_it_is_imported_is_an_error(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_backend.py").write_text("raise RuntimeError('a\\nb')")
    monkeypatch.syspath_prepend(tmp_path)
    settings.EMAIL_BACKEND = "broken_backend.EmailBackend"

    (error,) = check_mail_backends()

    assert error.msg.endswith("a b")


# --- a mail to nobody ----------------------------------------------------------------------
POSTMARK = "anymail.backends.postmark.EmailBackend"


@pytest.mark.parametrize("backend", ["", POSTMARK])
@pytest.mark.parametrize(
    "sender",
    [
        "Broadsheet <digest@news.example.org>",
        '"Papers, daily: all" <digest@news.example.org>',
        "Zeitung für Ärzte <digest@xn--bcher-kva.example>",
        "digest@news.example.org",
    ],
)
def test_a_mail_with_the_real_headers_can_be_sent(
    settings: Settings, backend: str, sender: str
) -> None:
    settings.DEFAULT_FROM_EMAIL = sender
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t"}
    settings.EMAIL_BACKEND = backend or "digest.delivery.mail_services.smtp.EmailBackend"

    assert check_a_mail() == []


@pytest.mark.parametrize("backend", ["", POSTMARK])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEFAULT_FROM_EMAIL", "Papers, daily <digest@news.example.org>"),
        ("DEFAULT_FROM_EMAIL", "Papers: daily <digest@news.example.org>"),
        ("DEFAULT_FROM_EMAIL", "digést@news.example.org"),
        ("DEFAULT_FROM_EMAIL", "Broadsheet"),
        ("DEFAULT_FROM_EMAIL", "a\nBcc: b@c.example <digest@news.example.org>"),
        ("SITE_NAME", "a\r\nBcc: b@c.example"),
    ],
)
def test_a_sender_that_no_mail_can_have_is_an_error(
    settings: Settings, backend: str, name: str, value: str
) -> None:
    setattr(settings, name, value)
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t"}
    settings.EMAIL_BACKEND = backend or "digest.delivery.mail_services.smtp.EmailBackend"

    assert [error.id for error in check_a_mail()] == ["broadsheet.E006"]


def test_a_language_model_without_a_name_and_a_bucket_without_its_package_are_errors(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_papers() == []
    settings.SUMMARIES_URL, settings.SUMMARIES_MODEL = "https://llm.example/v1", ""
    bucket = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {}}
    settings.STORAGES = {**settings.STORAGES, "pictures": bucket}
    monkeypatch.setattr("digest.checks.find_spec", lambda _: None)

    assert [error.id for error in check_papers()] == ["broadsheet.E007", "broadsheet.E008"]
