"""System checks: ``manage.py check --deploy`` reports wrong configuration before mail is sent."""

from email import policy
from email.parser import BytesParser
from email.utils import parseaddr
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import UUID

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailError, AnymailUnsupportedFeature
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.message import sanitize_address
from django.db import DatabaseError, OperationalError
from django.utils import timezone
from django.utils.module_loading import import_string

from subscribers.database import fetch
from subscribers.links import unsubscribe_token

from .choosing import trial
from .delivery import routing
from .models import Edition, Heartbeat
from .sources import SOURCES

if TYPE_CHECKING:
    from .mail.message import DigestMessage


@register(Tags.compatibility, deploy=True)
def check_lease(**_: Any) -> list[CheckMessage]:
    # An SMTP conversation waits for three answers and the text to go out, up to the timeout for
    # each, and then for the answer to the text.
    longest = 4 * settings.EMAIL_TIMEOUT + settings.MAIL_ANSWER_SECONDS
    if settings.DELIVERY_LEASE.total_seconds() > longest:
        return []
    return [
        Warning(
            "A slow mail service would look like a dead worker, because the lease is shorter than "
            f"one hand-over may take ({longest} seconds).",
            hint="Raise DELIVERY_LEASE_SECONDS, or lower MAIL_ANSWER_SECONDS.",
            id="broadsheet.W001",
        )
    ]


@register(Tags.compatibility, deploy=True)
def check_postal_address(**_: Any) -> list[CheckMessage]:
    if settings.POSTAL_ADDRESS:
        return []
    return [
        Warning(
            "The digests have no postal address at their foot. Many laws require one.",
            hint="Set POSTAL_ADDRESS.",
            id="broadsheet.W002",
        )
    ]


@register(Tags.compatibility)
def check_trial(**_: Any) -> list[CheckMessage]:
    """Runs at every start, because a worker would fail on every batch."""
    try:
        trial.challenger_of(settings.RANKING_TRIAL)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="See deploy/env.example.", id="broadsheet.E002")]
    return []


@register(Tags.compatibility)
def check_sources(**_: Any) -> list[CheckMessage]:
    """Runs at every start, because every look at an unknown source would fail."""
    return [
        Error(
            f"SOURCES names “{name}”, which is not a source.",
            hint=f"The sources are: {', '.join(SOURCES)}.",
            id="broadsheet.E003",
        )
        for name in settings.SOURCES
        if name not in SOURCES
    ]


@register(Tags.compatibility)
def check_papers(**_: Any) -> list[CheckMessage]:
    """Runs at every start, because there would be no summary, or no picture, without a word."""
    problems: list[CheckMessage] = []
    if settings.SUMMARIES_URL and not settings.SUMMARIES_MODEL:
        problems.append(
            Error(
                "SUMMARIES_URL is set, but not which model to ask.",
                hint="Set SUMMARIES_MODEL.",
                id="broadsheet.E007",
            )
        )
    is_bucket = settings.STORAGES["pictures"]["BACKEND"].startswith("storages.")
    if is_bucket and find_spec("storages") is None:
        problems.append(
            Error(
                "PICTURES_BUCKET is set, but what talks to it is not installed.",
                hint="Install django-storages[s3].",
                id="broadsheet.E008",
            )
        )
    return problems


@register(Tags.compatibility, deploy=True)
def check_database(**_: Any) -> list[CheckMessage]:
    """Check that what is committed survives a crash: marks that are lost are mails sent twice."""
    names = ("synchronous_commit", "fsync", "full_page_writes")
    try:
        off = [name for name in names if fetch(f"SHOW {name}") == [("off",)]]
    except OperationalError:
        return []  # whoever cannot reach the database hears of it elsewhere
    problems: list[CheckMessage] = []
    if "synchronous_commit" in off:
        problems.append(
            Error(
                "The database does not wait for the disk, so nothing is sent.",
                hint="Something between us and PostgreSQL drops “-c synchronous_commit=on”.",
                id="broadsheet.E004",
            )
        )
    if lost := [name for name in off if name != "synchronous_commit"]:
        problems.append(
            Warning(
                f"After a crash digests may be sent twice: {' and '.join(lost)} off in PostgreSQL.",
                hint="Switch it on in postgresql.conf.",
                id="broadsheet.W004",
            )
        )
    return problems


@register(Tags.compatibility)
def check_mail_backends(**_: Any) -> list[CheckMessage]:
    """Runs at every start, because a worker would fail on every batch and every letter."""
    paths = {"MAIL_BACKEND": settings.EMAIL_BACKEND}
    for name, service in settings.MAIL_SERVICES.items():
        paths[f"MAIL_SERVICE_{name.upper()}"] = service["BACKEND"]
    return [
        Error(
            f"{variable} names “{path}”, which cannot be used: {_in_a_line(problem)}",
            hint="Install what is missing, or see deploy/env.example for the names of backends.",
            id="broadsheet.E005",
        )
        for variable, path in paths.items()
        if (problem := _import_problem(path))
    ]


def _import_problem(path: str) -> Exception | None:
    try:
        import_string(path)
    except Exception as error:  # whatever a module raises when it is imported
        return error
    return None


def _in_a_line(problem: Exception) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__


@register(Tags.compatibility, deploy=True)
def check_mail_services(**_: Any) -> list[CheckMessage]:
    """Check that each mail service can carry our ID, by which its events find their digest."""
    if check_mail_backends():
        return []  # said already
    backends = [routing.connection_to(name) for name in routing.names()]
    return [problem for backend in backends if (problem := _problem_of(backend))]


def _problem_of(backend: Any) -> CheckMessage | None:
    if not isinstance(backend, AnymailBaseBackend):
        return None
    canary = AnymailMessage(
        "Check",
        "Check",
        settings.DEFAULT_FROM_EMAIL,
        ["check@example.org"],
        metadata={"digest": "0"},
        tags=["digest"],
    )
    try:
        backend.build_message_payload(canary, backend.send_defaults)
    except AnymailUnsupportedFeature as error:
        return Error(
            f"{backend.esp_name} cannot carry a digest: {error}",
            hint="Choose another service in MAIL_BACKEND or MAIL_SERVICES.",
            id="broadsheet.E001",
        )
    except AnymailError:
        pass  # about the content, which a real message may have right
    return None


@register(Tags.compatibility, deploy=True)
def check_a_mail(**_: Any) -> list[CheckMessage]:
    """Check that a digest with our real headers can be handed over: send one, to nobody."""
    if check_mail_backends():
        return []  # said already
    problems = [_problem_of_a_mail(routing.connection_to(name)) for name in routing.names()]
    return [
        Error(
            f"No mail can be sent: {problem}",
            hint="Look at MAIL_FROM, MAIL_REPLY_TO, MAIL_UNSUBSCRIBE, SITE_NAME and SITE_URL.",
            id="broadsheet.E006",
        )
        for problem in dict.fromkeys(filter(None, problems))
    ]


@register(Tags.compatibility, deploy=True)
def check_bounces(**_: Any) -> list[CheckMessage]:
    """Check that bounces that come as mail can come, and are read."""
    if not settings.MAIL_BOUNCES:
        return []
    from .mail.return_path import LONGEST_MAILBOX  # noqa: PLC0415  # composing loads no mail

    if len(settings.MAIL_BOUNCES.rpartition("@")[0]) > LONGEST_MAILBOX:
        return [
            Error(
                "MAIL_BOUNCES is too long for what is added to it.",
                hint=f"At most {LONGEST_MAILBOX} characters may stand before the @.",
                id="broadsheet.E009",
            )
        ]
    if settings.MAIL_BOUNCES_MAILBOX or _was_a_bounce_read():
        return []
    return [
        Warning(
            f"Bounces come back as mail to {settings.MAIL_BOUNCES}, and nobody reads them.",
            hint="Set MAIL_BOUNCES_MAILBOX, or have the mail server pipe them to read_bounces.",
            id="broadsheet.W005",
        )
    ]


def _was_a_bounce_read() -> bool:
    try:
        return Heartbeat.objects.filter(name=Heartbeat.BOUNCES).exists()
    except DatabaseError:
        return True  # whoever cannot ask the database hears of it elsewhere


def _problem_of_a_mail(backend: Any) -> str:
    """Why a digest would not get through this backend, or ""."""
    try:
        digest = _sample()
        if isinstance(backend, AnymailBaseBackend):
            backend.build_message_payload(digest, backend.send_defaults)
        # As the envelope and as the text, the way SMTP wants them.
        sanitize_address(digest.from_email, settings.DEFAULT_CHARSET).encode("ascii")
        return _odd_in(digest.message().as_bytes(linesep="\r\n"))
    except AnymailUnsupportedFeature:
        return ""  # `check_mail_services` says it better
    except Exception as error:  # whatever it is, each mail would raise it
        return _in_a_line(error)


def _sample() -> "DigestMessage":
    # Every process loads these checks, and only those who send need what inlines CSS.
    from .mail.message import DigestMessage  # noqa: PLC0415  # see above
    from .mail.shared import headers_of  # noqa: PLC0415  # see above
    from .mail.templates import fragments_of  # noqa: PLC0415  # see above

    message = DigestMessage(
        uuid=UUID(int=0),
        subject="Broadsheet",
        unsubscribe_token=unsubscribe_token(0),
        headers=headers_of(Edition(date=timezone.now().date()), settings.LANGUAGE_CODE),
        body=fragments_of("Broadsheet"),
    )
    message.to = ["check@example.org"]
    return message


def _odd_in(content: bytes) -> str:
    """What a mail server, or a mail program, would not take as it was meant; or ""."""
    head, _, _ = content.partition(b"\r\n\r\n")
    read = BytesParser(policy=policy.default).parsebytes(content)
    if not head.isascii() or any(len(line) > 998 for line in head.split(b"\r\n")):
        return "a header is not ASCII, or too long."
    senders = [one.addr_spec for one in read["From"].addresses]
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    if senders != [sender] or not sender.isascii() or "@" not in sender:
        return f"its sender is read as {senders}."
    expected = {"From", "To", "Subject", "Message-ID", "List-ID", "List-Unsubscribe"}
    if missing := [name for name in sorted(expected) if len(read.get_all(name, [])) != 1]:
        return f"it does not have one {missing[0]}."
    return ""
