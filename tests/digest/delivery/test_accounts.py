"""What the APIs of mail services answer about our account, a message and an address.

Each goes through anymail's own backend, so that what it raises is what a sender gets.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import responses
from anymail.exceptions import AnymailAPIError
from anymail.message import AnymailMessage
from pytest_django import Settings

from digest.delivery import mail_services
from digest.delivery.connection import Connection
from digest.delivery.outcomes import Outcome, Verdict, outcome_of
from tests.digest.delivery.test_replies import (
    ADDRESS,
    FAILED,
    HOLD,
    LATER,
    READER,
    STOP,
    SUSPECT,
    US,
    kind_of,
)

DOUBT = (Verdict.UNCERTAIN, "")
KEYS = {
    "BREVO_API_KEY": "k",
    "MAILERSEND_API_TOKEN": "k",
    "MAILGUN_API_KEY": "k",
    "MAILGUN_SENDER_DOMAIN": "news.example.org",
    "MAILJET_API_KEY": "k",
    "MAILJET_SECRET_KEY": "k",
    "MAILTRAP_API_TOKEN": "k",
    "MANDRILL_API_KEY": "k",
    "POSTAL_API_URL": "https://postal.example/api/v1",
    "POSTAL_API_KEY": "k",
    "POSTMARK_SERVER_TOKEN": "k",
    "RESEND_API_KEY": "k",
    "SCALEWAY_SECRET_KEY": "k",
    "SCALEWAY_PROJECT_ID": "k",
    "SENDGRID_API_KEY": "k",
    "SPARKPOST_API_KEY": "k",
    "UNISENDER_GO_API_KEY": "k",
    "UNISENDER_GO_API_URL": "https://unisender.example/ru/transactional/api/v1/",
}


def postmark(code: int, message: str) -> Mapping[str, Any]:
    return {"ErrorCode": code, "Message": message}


def mailjet(code: str, message: str, about: str = "") -> Mapping[str, Any]:
    error = {
        "ErrorIdentifier": "1-2",
        "ErrorCode": code,
        "StatusCode": 400,
        "ErrorMessage": message,
        "ErrorRelatedTo": [about] if about else [],
    }
    return {"Messages": [{"Status": "error", "Errors": [error]}]}


def mandrill(reason: str) -> Any:
    return [{"email": READER, "status": "rejected", "_id": "1", "reject_reason": reason}]


def sparkpost(message: str, code: str = "") -> Mapping[str, Any]:
    return {"errors": [{"message": message, **({"code": code} if code else {})}]}


def postal(code: str) -> Mapping[str, Any]:
    return {"status": "error", "data": {"code": code, "message": "It is not"}}


def mailersend(*reasons: str) -> Mapping[str, Any]:
    recipient = {"email": READER, "name": "", "reasons": list(reasons)}
    return {"warnings": [{"type": "ALL_SUPPRESSED", "recipients": [recipient]}]}


def unisender(reason: str) -> Mapping[str, Any]:
    return {"status": "success", "job_id": "1", "emails": [], "failed_emails": {READER: reason}}


NOT_A_SIGNATURE = "The 'From' address you supplied (a@x.example) is not a Sender Signature"
INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive.\nFound inactive addresses: "
    f"{READER}.\nInactive recipients are ones that have generated a hard bounce."
)
FROM_DOMAIN = {"from.email": ["The from.email domain must be verified in your account."]}
ANSWERS: list[tuple[str, int, Any, tuple[Verdict, str]]] = [
    ("postmark", 422, postmark(400, NOT_A_SIGNATURE), STOP),
    ("postmark", 422, postmark(401, "The Sender Signature is not confirmed"), STOP),
    ("postmark", 422, postmark(300, "Invalid 'From' address: 'a@x.example'."), STOP),
    ("postmark", 422, postmark(300, "Invalid metadata content."), FAILED),
    ("postmark", 422, postmark(405, "Not allowed to send"), STOP),
    ("postmark", 422, postmark(412, "Your account is pending approval"), STOP),
    ("postmark", 401, postmark(10, "No Account or Server API tokens were supplied"), STOP),
    ("postmark", 422, postmark(406, INACTIVE), ADDRESS),
    ("postmark", 422, postmark(300, f"Invalid 'To' address: '{READER}'."), FAILED),
    ("postmark", 413, {}, FAILED),
    ("brevo", 402, {"code": "not_enough_credits", "message": "Not enough credits"}, STOP),
    ("brevo", 401, {"code": "unauthorized", "message": "Key not found"}, STOP),
    ("brevo", 403, {"code": "permission_denied", "message": "not yet activated"}, STOP),
    ("brevo", 400, {"code": "invalid_parameter", "message": "sender is not valid"}, STOP),
    ("brevo", 400, {"code": "invalid_parameter", "message": "subject is missing"}, FAILED),
    ("brevo", 400, {"code": "invalid_parameter", "message": "email is not valid in to"}, FAILED),
    ("brevo", 400, {"code": "duplicate_parameter", "message": "seen"}, DOUBT),
    ("resend", 403, {"name": "validation_error", "message": "The domain is not verified."}, STOP),
    ("resend", 422, {"name": "invalid_from_address", "message": "Invalid `from`"}, STOP),
    ("resend", 422, {"name": "validation_error", "message": "Invalid `to` field."}, FAILED),
    ("resend", 429, {"name": "daily_quota_exceeded", "message": "daily quota"}, HOLD),
    ("resend", 409, {"name": "concurrent_idempotent_requests", "message": "busy"}, DOUBT),
    ("mailgun", 404, {"message": "Domain not found: news.example.org"}, STOP),
    ("mailgun", 400, {"message": "Sandbox subdomains are for test purposes only."}, STOP),
    ("mailgun", 400, {"message": "from parameter is not a valid address."}, STOP),
    ("mailgun", 400, {"message": "to parameter is not a valid address."}, SUSPECT),
    ("mailgun", 403, {"message": "Domain x.example is not allowed to send"}, STOP),
    ("mailgun", 401, "Forbidden", STOP),
    ("sparkpost", 420, sparkpost("Exceed Sending Limit (daily)"), HOLD),
    ("sparkpost", 400, sparkpost("Unconfigured Sending Domain <x.example>", "7001"), STOP),
    ("sparkpost", 403, sparkpost("Forbidden."), STOP),
    ("sparkpost", 422, sparkpost("invalid data format/type", "1300"), FAILED),
    (
        "sparkpost",
        200,
        {"results": {"total_accepted_recipients": 0, "total_rejected_recipients": 1, "id": "1"}},
        SUSPECT,
    ),
    ("sendgrid", 401, {"errors": [{"message": "Maximum credits exceeded"}]}, STOP),
    (
        "sendgrid",
        403,
        {"errors": [{"message": "The from address does not match a verified Sender Identity."}]},
        STOP,
    ),
    ("sendgrid", 400, {"errors": [{"message": "The subject is required", "field": "s"}]}, FAILED),
    ("sendgrid", 405, "", STOP),
    ("mailjet", 400, mailjet("send-0008", '"x" is not an authorized sender'), STOP),
    ("mailjet", 400, mailjet("mj-0013", '"x" is an invalid email address.'), SUSPECT),
    ("mailjet", 400, mailjet("mj-0003", '"Subject" is mandatory'), FAILED),
    ("mailjet", 401, {"StatusCode": 401, "ErrorMessage": "API key authentication failure"}, STOP),
    ("mailtrap", 401, {"success": False, "errors": ["Unauthorized"]}, STOP),
    ("mailtrap", 403, {"success": False, "errors": ["Forbidden: domain not verified"]}, STOP),
    ("mailtrap", 400, {"success": False, "errors": ["'subject' is required"]}, FAILED),
    ("mandrill", 500, {"status": "error", "code": -1, "name": "Invalid_Key"}, STOP),
    ("mandrill", 500, {"status": "error", "code": -99, "name": "PaymentRequired"}, STOP),
    ("mandrill", 500, {"status": "error", "code": -99, "name": "GeneralError"}, DOUBT),
    ("mandrill", 200, mandrill("hard-bounce"), ADDRESS),
    ("mandrill", 200, mandrill("unsigned"), STOP),
    ("mandrill", 200, mandrill("invalid-sender"), STOP),
    ("mandrill", 200, mandrill("custom"), FAILED),
    ("mandrill", 200, mandrill("something-new"), SUSPECT),
    ("postal", 200, postal("UnauthenticatedFromAddress"), STOP),
    ("postal", 200, postal("ServerSuspended"), STOP),
    ("postal", 200, postal("NoContent"), FAILED),
    ("mailersend", 422, {"message": "The from.email domain must be verified. #MS42207"}, STOP),
    ("mailersend", 422, {"message": "The text field is required.", "errors": {}}, FAILED),
    ("mailersend", 202, mailersend("hard_bounced"), ADDRESS),
    ("mailersend", 202, mailersend("unsubscribed"), FAILED),
    ("scaleway", 403, {"type": "permissions_denied", "message": "no"}, STOP),
    ("scaleway", 403, {"type": "quotas_exceeded", "message": "quota(s) exceeded"}, HOLD),
    ("scaleway", 400, {"type": "invalid_arguments", "message": "subject: empty"}, FAILED),
    ("unisender_go", 401, {"status": "error", "code": 114, "message": "User not found"}, STOP),
    ("unisender_go", 200, unisender("permanent_unavailable"), ADDRESS),
    ("unisender_go", 200, unisender("temporary_unavailable"), LATER),
    ("unisender_go", 200, unisender("unsubscribed"), FAILED),
    *((name, 429, {}, HOLD) for name in ("postmark", "mailgun", "sparkpost", "sendgrid")),
    *((name, 404, {}, STOP) for name in ("postmark", "brevo", "sendgrid", "sparkpost")),
    *((name, 412, {}, STOP) for name in ("postmark", "scaleway")),
    *((name, 418, {}, FAILED) for name in ("postmark", "brevo", "mailgun", "resend")),
    *((name, 500, {}, DOUBT) for name in ("postmark", "brevo", "mailgun", "mandrill")),
    # Our account, whatever the status and wherever the words stand.
    ("sendgrid", 500, {"errors": [{"message": "Your account has been suspended"}]}, STOP),
    ("sendgrid", 503, {"errors": [{"message": "This account is under review"}]}, STOP),
    ("mailgun", 500, {"message": "Account disabled. Please contact support"}, STOP),
    ("resend", 500, {"name": "application_error", "message": "Your team was suspended."}, STOP),
    ("mailtrap", 502, {"errors": ["The organization is blocked"]}, STOP),
    ("mandrill", 500, {"status": "error", "message": "User account suspended"}, STOP),
    ("brevo", 500, "<h1>Suspended account</h1>", STOP),
    ("brevo", 500, {"message": "The recipient's account is disabled"}, DOUBT),
    ("brevo", 500, {"message": "An account could not be locked for reading"}, DOUBT),
    ("brevo", 400, {"error_description": "Your account is suspended"}, STOP),
    ("brevo", 400, {"info": {"text": ["Your account is suspended"]}}, STOP),
    ("mailersend", 422, {"message": "The given data was invalid.", "errors": FROM_DOMAIN}, STOP),
    # The field that an error is about may be ours.
    ("mailjet", 400, mailjet("mj-0013", '"x" is an invalid address.', "From"), STOP),
    ("mailjet", 400, mailjet("mj-0013", '"x" is an invalid address.', "To[0].Email"), SUSPECT),
    ("sendgrid", 400, {"errors": [{"message": "Not valid.", "field": "from.email"}]}, STOP),
    ("scaleway", 400, {"type": "invalid_arguments", "details": [{"argument_name": "from"}]}, STOP),
    # The request did not get as far as the service, or was none.
    *(("postmark", status, {}, STOP) for status in (421, 431, 494, 498, 501, 505)),
    *(("postmark", status, "<html>", STOP) for status in (302, 307)),
    *(("postmark", status, "<html>", HOLD) for status in (509, 511, 521, 525, 526, 530)),
    *(("postmark", status, "<html>", DOUBT) for status in (520, 522, 524, 507)),
]


def hand_over(settings: Settings, service: str) -> Outcome:
    """One real hand-over through anymail's backend for the service."""
    settings.EMAIL_BACKEND = f"anymail.backends.{service}.EmailBackend"
    settings.ANYMAIL = KEYS
    message = AnymailMessage("Subject", "Body", US, [READER])
    with Connection("any") as connection:
        return connection.open() or connection.hand_over(message)


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize(("service", "status", "said", "kind"), ANSWERS)
@responses.activate
def test_an_answer_is_taken_for_what_it_is(
    settings: Settings, service: str, status: int, said: Any, kind: tuple[Verdict, str]
) -> None:
    body = said if isinstance(said, str) else json.dumps(said)
    responses.post(re.compile(".*"), status=status, body=body, content_type="application/json")

    outcome = hand_over(settings, service)

    assert kind_of(outcome) == kind
    assert "@" not in outcome.detail


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("TooManyRequestsException", "Too many", HOLD),
        ("LimitExceededException", "Daily message quota exceeded", HOLD),
        ("AccountSuspendedException", "suspended", STOP),
        ("SendingPausedException", "paused", STOP),
        ("AccessDeniedException", "User is not authorized", STOP),
        ("ExpiredTokenException", "expired", STOP),
        ("MessageRejected", "Email address is not verified. The following identities failed", STOP),
        ("MessageRejected", "Email contains a virus", FAILED),
        ("BadRequestException", "Illegal content", FAILED),
    ],
)
def test_an_error_of_amazon_s_is_taken_for_what_it_is(
    code: str, message: str, kind: tuple[Verdict, str]
) -> None:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    traits = mail_services.traits_of("Amazon SES")

    outcome = outcome_of(AnymailAPIError("no", response=answer), refusals=traits.refusals)

    assert kind_of(outcome) == kind


# SendinBlue is Brevo's former name; an SMTP server is judged by its replies.
@pytest.mark.parametrize("name", sorted(mail_services._KNOWN.keys() - {"SendinBlue", "smtp"}))
def test_every_service_has_its_table(name: str) -> None:
    assert mail_services.traits_of(name).refusals


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        ("0", 1),
        ("-5", 1),
        ("1.5", 1.5),
        ("1e400", 86400),
        ("9" * 400, 86400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86400),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 1),
        *(
            (garbage, 60)
            for garbage in (
                "",
                " ",
                "soon",
                "²",
                "nan",
                "١٧x",
                "\x00",
                "Wed, 99 Oct 99999",
                "17s",
                ",",
            )
        ),
    ],
)
@responses.activate
def test_a_time_to_wait_may_be_anything(settings: Settings, value: str, seconds: float) -> None:
    responses.post(re.compile(".*"), status=429, body="{}")
    message = AnymailMessage("Subject", "Body", US, [READER])

    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = KEYS
    with Connection("any") as connection:
        connection.open()
        connection._backend.session.hooks["response"].append(
            lambda answer, **_: answer.headers.update({"Retry-After": value})
        )
        outcome = connection.hand_over(message)

    assert outcome.verdict is Verdict.RETRY
    assert outcome.wait == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=2))


@pytest.mark.parametrize("value", [b"17", b"\xff\xfe", 17, None, ["17"], object()])
@responses.activate
def test_a_time_to_wait_may_be_of_any_type(settings: Settings, value: Any) -> None:
    responses.post(re.compile(".*"), status=503, body="{}")
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = KEYS
    with Connection("any") as connection:
        connection.open()
        connection._backend.session.hooks["response"].append(
            lambda answer, **_: answer.headers.update({"Retry-After": value})
        )
        outcome = connection.hand_over(AnymailMessage("Subject", "Body", US, [READER]))

    assert outcome.verdict in {Verdict.RETRY, Verdict.UNCERTAIN}
