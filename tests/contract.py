"""The rules that every digest must keep on the wire. See RFC 2369, 5322 and 8058."""

import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

# Each must occur exactly once.
HEADERS = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "Auto-Submitted",
    "Precedence",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
)
# These would mislead, track, or reveal other readers.
FORBIDDEN = ("Bcc", "Cc", "Return-Receipt-To", "Disposition-Notification-To", "X-Priority")
MOST_HTML = 80_000


def check_digest(raw: bytes) -> EmailMessage:
    """Returns the parsed message. Raises AssertionError with the rule that it breaks."""
    message = parsed(raw)
    _check_headers(message, raw)
    _check_lines(raw)
    _check_bodies(message)
    return message


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def unsubscribe_url(message: EmailMessage) -> str:
    match = re.match(r"<(https?://[^>\s]+)>", str(message["List-Unsubscribe"]))
    assert match, "List-Unsubscribe must begin with a web address"
    return match.group(1)


def _check_headers(message: EmailMessage, raw: bytes) -> None:
    for name in HEADERS:
        assert len(message.get_all(name, [])) == 1, f"{name} must occur once"
    for name in FORBIDDEN:
        assert message[name] is None, f"{name} must be absent"
    assert len(message["To"].addresses) == 1, "there must be one recipient"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert len(str(message["Feedback-ID"]).split(":")) <= 4
    assert message["To"].addresses[0].addr_spec not in str(message["Feedback-ID"])
    assert re.fullmatch(r"<d\.[0-9a-f]{32}@[\w.-]+>", message["Message-ID"])
    assert len(f"<{unsubscribe_url(message)}>") <= 77, "longer words get encoded"
    head = raw.partition(b"\r\n\r\n")[0]
    (line,) = re.findall(rb"(?mi)^List-Unsubscribe:(.*)", head)
    assert b"=?" not in line, "a structured header must not contain encoded words"


def _check_lines(raw: bytes) -> None:
    lines = raw.split(b"\r\n")
    assert max(len(line) for line in lines) <= 998, "RFC 5322 §2.1.1"
    assert all(b"\n" not in line and b"\r" not in line for line in lines), "no bare CR or LF"


def _check_bodies(message: EmailMessage) -> None:
    assert message.get_content_type() == "multipart/alternative"
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    for part in parts:
        assert part.get_content_charset() == "utf-8"
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
    html, text = html_of(message), text_of(message)
    assert len(html.encode()) <= MOST_HTML, "Gmail would clip it, with the unsubscribe link"
    assert not re.search(r"<(img|script|form|iframe|link)\b", html), "nothing is fetched or run"
    assert not re.search(r"slot[0-9a-f]{16}", html + text), "every slot must be filled"
    hidden = "[\u200b\u202a-\u202e\u2066-\u2069]"
    assert not re.search(hidden, html + text + str(message["Subject"])), "no invisible characters"
    for body in (html, text):
        assert re.search(r"/d/[\w-]{22}/\d{4}-\d\d-\d\d\b", body), "a link to the web page"
    votes = [re.findall(r"/v/[\w-]{22}/\d+\?w=(?:more|less)", body) for body in (html, text)]
    assert votes[0] == votes[1], "both parts must have the same vote links"
    assert len(votes[0]) == 2 * len(set(re.findall(r"/papers/\d+/", html))) > 0
    for body in (html, text):
        assert re.search(r"/s/[\w-]{20}\b(?!/)", body), "a link to the saved papers"
    saves = [re.findall(r"/s/[\w-]{20}/\d+", body) for body in (html, text)]
    assert saves[0] == saves[1], "both parts must have the same links for saving"
    assert len(saves[0]) * 2 == len(votes[0])
    for body in (html, text):
        at = body.find(unsubscribe_url(message))
        assert at > body.rfind("/papers/"), "the way out is in the footer, below the papers"
