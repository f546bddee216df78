"""What mail services post about a mail that was not delivered: of each service that anymail knows
a hard bounce, a soft one, and a block.

Shaped after the services' documentation and anymail's parsers. `posted` signs a payload the way the
service does.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.test import Client

SECRET = "us:secret"
KEY = "a key of the service's"
NOBODY = "550 5.1.1 The account that you tried to reach does not exist"
FULL = "452 4.2.2 The mailbox is over its quota"
SPAM = "550 5.7.1 Our system has found that this message is likely spam"
AT = 1795590000
ISO = "2026-11-25T07:00:00Z"


@dataclass(frozen=True)
class Mail:
    """The mail that an event is about: our id of the digest, if the service carries one, the
    service's own, our Message-ID, and to whom it went."""

    digest: str
    message_id: str
    email: str
    our_message_id: str = ""


@cache
def postal_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def settings_of_all() -> dict[str, Any]:
    """anymail's settings under which every webhook believes what `posted` posts."""
    pem = (
        postal_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return {
        "WEBHOOK_SECRET": SECRET,
        "MAILERSEND_SIGNING_SECRET": KEY,
        "MAILGUN_WEBHOOK_SIGNING_KEY": KEY,
        "MAILTRAP_TRACKING_SECRET": KEY,
        "MANDRILL_WEBHOOK_KEY": KEY,
        "POSTAL_WEBHOOK_KEY": "".join(pem.decode().splitlines()[1:-1]),
        "UNISENDER_GO_API_KEY": KEY,
    }


# --- the payloads --------------------------------------------------------------------------
def amazon_ses(mail: Mail, kind: str, sub: str) -> Any:
    return {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": sub,
            "bouncedRecipients": [{"emailAddress": mail.email}],
            "timestamp": ISO,
        },
        "mail": {
            "messageId": mail.message_id,
            "destination": [mail.email],
            "headers": [
                {"name": "Message-ID", "value": mail.our_message_id},
                {"name": "X-Metadata", "value": json.dumps({"digest": mail.digest})},
            ][0 if mail.our_message_id else 1 :],
        },
    }


def brevo(mail: Mail, event: str, reason: str = "") -> Any:
    return {
        "event": event,
        "email": mail.email,
        "message-id": mail.our_message_id or f"<{mail.message_id}@smtp-relay.mailin.fr>",
        "ts_epoch": AT * 1000,
        "reason": reason,
        **({"X-Mailin-custom": json.dumps({"digest": mail.digest})} if mail.digest else {}),
    }


def mailersend(mail: Mail, kind: str, reason: str) -> Any:
    return {
        "type": f"activity.{kind}",
        "data": {
            "id": "63fd251d5c00f8e52001fce6",
            "type": kind,
            "created_at": ISO,
            "email": {
                "status": "rejected",
                "message": {"id": mail.message_id},
                "recipient": {"email": mail.email},
            },
            "morph": {"object": "recipient_bounce", "reason": reason},
        },
    }


def mailgun(mail: Mail, severity: str, reason: str, code: int, said: str) -> Any:
    return {
        "event-data": {
            "event": "failed",
            "severity": severity,
            "reason": reason,
            "timestamp": float(AT),
            "recipient": mail.email,
            "delivery-status": {"code": code, "message": said, "description": ""},
            "message": {"headers": {"message-id": mail.our_message_id.strip("<>")}},
            "user-variables": {"digest": mail.digest} if mail.digest else {},
        }
    }


def mailjet(mail: Mail, event: str, hard: bool, error: str, related: str) -> Any:
    return [
        {
            "event": event,
            "time": AT,
            "MessageID": 19421777835146490,
            "email": mail.email,
            "hard_bounce": hard,
            "error": error,
            "error_related_to": related,
            "CustomID": mail.our_message_id,
            **({"Payload": json.dumps({"digest": mail.digest})} if mail.digest else {}),
        }
    ]


def mailtrap(mail: Mail, event: str, category: str, response: str) -> Any:
    told = {
        "event": event,
        "timestamp": AT,
        "message_id": mail.message_id,
        "email": mail.email,
        "event_id": "bede7236-2284-43d6-a953-1fdcafd0fdbc",
        "custom_variables": {"digest": mail.digest},
        "response": response,
        "bounce_category": category,
    }
    return {"events": [told]}


def mandrill(mail: Mail, event: str, description: str, diag: str) -> Any:
    msg = {
        "email": mail.email,
        "bounce_description": description,
        "diag": diag,
        "metadata": {"digest": mail.digest},
    }
    return [{"event": event, "_id": mail.message_id, "ts": AT, "msg": msg}]


def postal(mail: Mail, status: str, output: str) -> Any:
    message = {
        "id": mail.message_id,
        "direction": "outgoing",
        "message_id": mail.our_message_id.strip("<>"),
        "to": mail.email,
        "tag": "digest",
    }
    payload = {"message": message, "status": status, "details": "An error", "output": output}
    return {"timestamp": float(AT), "uuid": "5fec5077-dae7-4989-94d5", "payload": payload}


def postmark(mail: Mail, kind: str, record: str = "Bounce") -> Any:
    return {
        "RecordType": record,
        "ID": 4323372036854775807,
        "Type": kind,
        "MessageID": mail.message_id,
        "Metadata": {} if mail.our_message_id else {"digest": mail.digest},
        "Email": mail.email,
        "BouncedAt": ISO,
        "Content": f"Received: by a server\r\nMessage-ID: {mail.our_message_id}\r\n",
    }


def resend(mail: Mail, kind: str, sub: str, said: str) -> Any:
    header = {"name": "X-Metadata", "value": json.dumps({"digest": mail.digest})}
    return {
        "type": "email.bounced",
        "created_at": ISO,
        "data": {
            "email_id": mail.message_id,
            "to": [mail.email],
            "headers": [header],
            "bounce": {"type": kind, "subType": sub, "message": said},
        },
    }


def sendgrid(mail: Mail, event: str, **more: str) -> Any:
    told = {
        "event": event,
        "timestamp": AT,
        "email": mail.email,
        "smtp-id": mail.our_message_id or f"<{mail.message_id}@sendgrid>",
        "sg_event_id": "bounce-0-23",
        **({} if mail.our_message_id else {"digest": mail.digest}),
        **more,
    }
    return [told]


def sparkpost(mail: Mail, bounce_class: str, said: str, kind: str = "bounce") -> Any:
    told = {
        "type": kind,
        "bounce_class": bounce_class,
        "timestamp": str(AT),
        "event_id": "92356927693813856",
        "transmission_id": mail.message_id,
        "raw_rcpt_to": mail.email,
        "raw_reason": said,
        "rcpt_meta": {"digest": mail.digest},
    }
    return [{"msys": {"message_event": told}}]


def unisender_go(mail: Mail, status: str, delivery_status: str, said: str) -> Any:
    told = {
        "status": status,
        "event_time": "2026-11-25 07:00:00",
        "job_id": mail.message_id,
        "email": mail.email,
        "metadata": {"digest": mail.digest},
        "delivery_info": {"delivery_status": delivery_status, "destination_response": said},
    }
    event = {"event_name": "transactional_email_status", "event_data": told}
    return {"auth": "", "events_by_user": [{"events": [event]}]}


BUILDERS = {
    built.__name__: built
    for built in (
        amazon_ses, brevo, mailersend, mailgun, mailjet, mailtrap, mandrill, postal, postmark,
        resend, sendgrid, sparkpost, unisender_go,
    )
}  # fmt: skip
# anymail's old name of Brevo.
BUILDERS["sendinblue"] = brevo

HARD, SOFT, BLOCK = "hard", "soft", "block"
# Service, the arguments of its builder, and what the event is.
TOLD: list[tuple[str, tuple[Any, ...], str]] = [
    ("amazon_ses", ("Permanent", "General"), HARD),
    ("amazon_ses", ("Permanent", "NoEmail"), HARD),
    ("amazon_ses", ("Transient", "MailboxFull"), SOFT),
    ("amazon_ses", ("Undetermined", "Undetermined"), SOFT),
    ("amazon_ses", ("Permanent", "SomethingNew"), SOFT),
    ("amazon_ses", ("Transient", "ContentRejected"), BLOCK),
    ("amazon_ses", ("Permanent", "OnAccountSuppressionList"), BLOCK),
    ("brevo", ("hard_bounce", "550 user unknown"), HARD),
    ("brevo", ("invalid_email",), HARD),
    ("brevo", ("soft_bounce", "mailbox full"), SOFT),
    ("brevo", ("blocked",), BLOCK),
    ("brevo", ("hard_bounce", SPAM), BLOCK),
    ("sendinblue", ("hard_bounce", "550 user unknown"), HARD),
    ("sendinblue", ("soft_bounce",), SOFT),
    ("sendinblue", ("blocked",), BLOCK),
    ("mailersend", ("hard_bounced", "Host or domain name not found"), HARD),
    ("mailersend", ("soft_bounced", "Unknown reason"), SOFT),
    ("mailersend", ("hard_bounced", SPAM), BLOCK),
    ("mailgun", ("permanent", "bounce", 550, NOBODY), HARD),
    ("mailgun", ("permanent", "suppress-bounce", 605, ""), HARD),
    ("mailgun", ("permanent", "generic", 550, NOBODY), HARD),
    ("mailgun", ("permanent", "generic", 550, "not now"), SOFT),
    ("mailgun", ("permanent", "old", 452, FULL), SOFT),
    ("mailgun", ("permanent", "bounce", 550, SPAM), BLOCK),
    ("mailgun", ("permanent", "espblock", 550, ""), BLOCK),
    ("mailgun", ("permanent", "suppress-complaint", 607, ""), BLOCK),
    ("mailjet", ("bounce", True, "user unknown", "recipient"), HARD),
    ("mailjet", ("bounce", True, "invalid domain", "domain"), HARD),
    ("mailjet", ("bounce", False, "user unknown", "recipient"), SOFT),
    ("mailjet", ("bounce", False, "quota exceeded", "recipient"), SOFT),
    ("mailjet", ("bounce", True, "something new", ""), SOFT),
    ("mailjet", ("bounce", True, "content blocked", "spam"), BLOCK),
    ("mailjet", ("blocked", False, "preblocked", "mailjet"), BLOCK),
    ("mailtrap", ("bounce", "hard", f"bounced ({NOBODY})"), HARD),
    ("mailtrap", ("bounce", "", f"bounced ({NOBODY})"), HARD),
    ("mailtrap", ("bounce", "something", "bounced"), SOFT),
    ("mailtrap", ("bounce", "hard", f"bounced ({SPAM})"), BLOCK),
    ("mailtrap", ("reject", "", ""), BLOCK),
    ("mandrill", ("hard_bounce", "bad_mailbox", f"smtp;{NOBODY}"), HARD),
    ("mandrill", ("hard_bounce", "invalid_domain", ""), HARD),
    ("mandrill", ("soft_bounce", "mailbox_full", "smtp;552 5.2.2 Over Quota"), SOFT),
    ("mandrill", ("hard_bounce", "general", f"smtp;{SPAM}"), BLOCK),
    ("mandrill", ("soft_bounce", "spam_block", ""), BLOCK),
    ("postal", ("HardFail", NOBODY), HARD),
    ("postal", ("HardFail", "550 No such user here"), HARD),
    ("postal", ("HardFail", SPAM), BLOCK),
    ("postal", ("Held", ""), BLOCK),
    ("postmark", ("HardBounce",), HARD),
    ("postmark", ("BadEmailAddress",), HARD),
    ("postmark", ("SoftBounce",), SOFT),
    ("postmark", ("Blocked",), BLOCK),
    ("postmark", ("DMARCPolicy",), BLOCK),
    ("postmark", ("SpamNotification",), BLOCK),
    ("resend", ("Permanent", "General", "The server sent a hard bounce message"), HARD),
    ("resend", ("Permanent", "Suppressed", "It has a recent history of hard bounces."), HARD),
    ("resend", ("Transient", "MailboxFull", "It sent a bounce message: inbox full"), SOFT),
    ("resend", ("Undetermined", "Undetermined", "It sent a bounce message"), SOFT),
    ("resend", ("Permanent", "OnAccountSuppressionList", "Resend has suppressed sending"), BLOCK),
    ("resend", ("Transient", "ContentRejected", "It sent a bounce message"), BLOCK),
    ("sendgrid", ("bounce", {"type": "bounce", "reason": "500 unknown recipient"}), HARD),
    ("sendgrid", ("dropped", {"reason": "Bounced Address"}), HARD),
    ("sendgrid", ("bounce", {"type": "bounce", "reason": "552 5.2.2 mailbox full"}), SOFT),
    ("sendgrid", ("bounce", {"type": "expired"}), SOFT),
    ("sendgrid", ("bounce", {}), SOFT),
    ("sendgrid", ("bounce", {"type": "blocked", "reason": "550 blocked"}), BLOCK),
    ("sendgrid", ("bounce", {"type": "bounce", "reason": SPAM}), BLOCK),
    ("sendgrid", ("dropped", {"reason": "Unsubscribed Address"}), BLOCK),
    ("sparkpost", ("10", NOBODY), HARD),
    ("sparkpost", ("30", "550 nobody", "out_of_band"), HARD),
    ("sparkpost", ("1", ""), SOFT),
    ("sparkpost", ("20", FULL), SOFT),
    ("sparkpost", ("21", ""), SOFT),
    ("sparkpost", ("22", FULL), SOFT),
    ("sparkpost", ("70", ""), SOFT),
    ("sparkpost", ("40", ""), SOFT),
    ("sparkpost", ("50", SPAM), BLOCK),
    ("sparkpost", ("51", SPAM), BLOCK),
    ("sparkpost", ("25", "recipient address suppressed", "policy_rejection"), BLOCK),
    ("unisender_go", ("hard_bounced", "err_user_unknown", NOBODY), HARD),
    ("unisender_go", ("hard_bounced", "err_mailbox_full", FULL), SOFT),
    ("unisender_go", ("hard_bounced", "err_delivery_failed", ""), SOFT),
    ("unisender_go", ("hard_bounced", "err_spam_rejected", SPAM), BLOCK),
    ("unisender_go", ("hard_bounced", "err_blacklisted", ""), BLOCK),
]


def payload(service: str, mail: Mail, arguments: tuple[Any, ...]) -> Any:
    """The payload; a dict as the last argument holds the builder's keyword arguments."""
    if arguments and isinstance(arguments[-1], dict):
        return BUILDERS[service](mail, *arguments[:-1], **arguments[-1])
    return BUILDERS[service](mail, *arguments)


# --- signed and posted ---------------------------------------------------------------------
def posted(client: Client, service: str, told: Any) -> int:
    """Post a payload as the service would; the status of the answer."""
    headers = {"Authorization": "Basic " + base64.b64encode(SECRET.encode()).decode()}
    way = "mandrill/" if service == "mandrill" else f"{service}/tracking/"
    kind, body = "application/json", json.dumps(told)
    match service:
        case "amazon_ses":
            headers |= {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "1"}
            notice = {"Type": "Notification", "MessageId": "1", "Timestamp": ISO, "Message": body}
            body = json.dumps(notice)
        case "mailersend":
            headers["Signature"] = _hmac(body)
        case "mailgun":
            signed = {"timestamp": str(AT), "token": "t1", "signature": _hmac(f"{AT}t1")}
            body = json.dumps({**told, "signature": signed})
        case "mailtrap":
            headers["Mailtrap-Signature"] = _hmac(body)
        case "mandrill":
            url = f"https://us:secret@testserver/webhooks/{way}"
            signed_text = f"{url}mandrill_events{body}".encode()
            signature = hmac.new(KEY.encode(), signed_text, hashlib.sha1).digest()
            headers["X-Mandrill-Signature"] = base64.b64encode(signature).decode()
            kind, body = "application/x-www-form-urlencoded", urlencode({"mandrill_events": body})
        case "postal":
            key = postal_key().sign(body.encode(), padding.PKCS1v15(), hashes.SHA1())
            headers["X-Postal-Signature"] = base64.b64encode(key).decode()
        case "unisender_go":
            auth = hashlib.md5(body.replace('"auth": ""', f'"auth": "{KEY}"').encode()).hexdigest()
            body = body.replace('"auth": ""', f'"auth": "{auth}"')
    answer = client.post(f"/webhooks/{way}", body, content_type=kind, headers=headers, secure=True)
    return answer.status_code


def _hmac(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
