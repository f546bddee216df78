"""Bounces and complaints in the forms in which mail servers really write them, in our own words.

Each function returns the bytes of a mail to our return path about a mail to a reader.
"""

from collections.abc import Callable, Sequence

OURS = "Return-Path: <{path}>\nFrom: Broadsheet <digest@news.example.org>\nTo: <{reader}>\n"
USER_UNKNOWN = "550 5.1.1 <{reader}>: Recipient address rejected: User unknown"


def bytes_of(text: str, **values: str) -> bytes:
    """Replaces {path} and {reader}, and has lines end as they do on the way."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text.lstrip("\n").replace("\n", "\r\n").encode()


def _report(head: str, parts: Sequence[tuple[str, str]], kind: str = "delivery-status") -> str:
    mark = "=_a1/b2.c3"
    body = "".join(f"--{mark}\nContent-Type: {of}\n\n{text}\n" for of, text in parts)
    return (
        f"Return-Path: <>\nDelivered-To: {{path}}\n{head.strip()}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind};\n boundary="{mark}"\n\n'
        f"This is in several parts.\n\n{body}--{mark}--\n"
    )


def postfix(
    path: str, reader: str, *, action: str = "failed", status: str = "5.1.1", said: str = ""
) -> bytes:
    said = said or USER_UNKNOWN
    head = """
Date: Fri, 27 Nov 2026 07:00:05 +0000 (UTC)
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {path}
Auto-Submitted: auto-replied
Message-Id: <20261127070005.4F3C2@mx.example.org>
"""
    words = "<{reader}>: host mail.dest.example[192.0.2.7] said: " + said
    status_part = f"""Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F3C2
X-Postfix-Sender: rfc822; {{path}}
Arrival-Date: Fri, 27 Nov 2026 07:00:01 +0000 (UTC)

Final-Recipient: rfc822; {{reader}}
Original-Recipient: rfc822;{{reader}}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.dest.example
Diagnostic-Code: smtp; {said}
"""
    parts = [
        ("text/plain; charset=us-ascii", f"The mail could not be handed on.\n\n{words}\n"),
        ("message/delivery-status", status_part),
        ("message/rfc822", OURS + "Subject: A paper\n\n<html>550 5.1.1 no</html>\n"),
    ]
    return bytes_of(_report(head, parts), path=path, reader=reader)


def exim(path: str, reader: str) -> bytes:
    head = """
X-Failed-Recipients: {reader}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@exim.example.org>
To: {path}
References: <d.1@news.example.org>
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1tGx2A-0004kQ-1a@exim.example.org>
Date: Fri, 27 Nov 2026 07:01:00 +0000
"""
    said = "550 No such person at this address"
    status = f"""Reporting-MTA: dns; exim.example.org

Action: failed
Final-Recipient: rfc822;{{reader}}
Status: 5.0.0
Remote-MTA: dns; mail.dest.example
Diagnostic-Code: smtp; {said}
"""
    text = f"One address failed for good:\n\n  {{reader}}\n    host mail.dest.example\n    {said}\n"
    parts = [
        ("text/plain; charset=us-ascii", text),
        ("message/delivery-status", status),
        ("message/rfc822", "Return-path: <{path}>\n" + OURS),
    ]
    return bytes_of(_report(head, parts), path=path, reader=reader)


def old_exim(path: str, reader: str) -> bytes:
    """Before Exim knew RFC 3464."""
    text = """
Return-path: <>
Envelope-to: {path}
X-Failed-Recipients: {reader}
From: Mail Delivery System <Mailer-Daemon@exim.example.org>
To: {path}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1abc-0002@exim.example.org>
Date: Fri, 27 Nov 2026 07:02:00 +0000

This message was created automatically by mail delivery software.

The following address(es) failed:

  {reader}
    SMTP error from remote mail server after RCPT TO:<{reader}>:
    host mail.dest.example [192.0.2.7]: 550 unknown user

------ This is a copy of the message, including all the headers. ------

Return-path: <{path}>
"""
    return bytes_of(text, path=path, reader=reader)


def exchange(path: str, reader: str) -> bytes:
    head = """
MIME-Version: 1.0
From: <postmaster@dest.example>
To: <{path}>
Date: Fri, 27 Nov 2026 07:03:00 +0100
X-DSNContext: 7ce717b1 - 1378 - 00000002 - 00000000
Message-ID: <aB3dE0000001@mail.dest.example>
Subject: Delivery Status Notification (Failure)
"""
    status = """Reporting-MTA: dns;mail.dest.example
Received-From-MTA: dns;mx.example.org
Arrival-Date: Fri, 27 Nov 2026 07:02:58 +0100

Final-Recipient: rfc822;{reader}
Action: failed
Status: 5.1.1
"""
    parts = [
        ("text/plain; charset=unicode-1-1-utf-7", "Not delivered:\n\n       {reader}\n"),
        ("message/delivery-status", status),
        ("message/rfc822", OURS),
    ]
    return bytes_of(_report(head, parts), path=path, reader=reader)


def office_365(path: str, reader: str, said: str = "") -> bytes:
    said = said or (
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {reader}\n"
        " not found by SMTP address lookup"
    )
    head = """
From: <postmaster@dest.onmicrosoft.example>
To: <{path}>
Date: Fri, 27 Nov 2026 07:04:00 +0000
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-GB
Message-ID: <9a8b@AM0PR01MB0001.eurprd01.prod.example>
In-Reply-To: <d.1@news.example.org>
Subject: Undeliverable: A paper
Auto-Submitted: auto-replied
"""
    status = f"""Reporting-MTA: dns;AM0PR01MB0001.eurprd01.prod.example
Received-From-MTA: dns;mx.example.org
Arrival-Date: Fri, 27 Nov 2026 07:03:59 +0000

Original-Recipient: rfc822;{{reader}}
Final-Recipient: rfc822;{{reader}}
Action: failed
Status: {"5.7.1" if "5.7.1" in said else "5.1.10"}
Diagnostic-Code: smtp;{said}
X-Display-Name: Reader
"""
    inner = "=_inner"
    words = (
        f"--{inner}\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
        f"<p>Was not found=</p>\n--{inner}--"
    )
    parts = [
        (f'multipart/alternative;\n boundary="{inner}"', words),
        ("message/delivery-status", status),
        ("message/rfc822", OURS),
    ]
    return bytes_of(_report(head, parts), path=path, reader=reader)


def gmail(path: str, reader: str) -> bytes:
    head = """
X-Gm-Message-State: AOJu0Y
To: {path}
Auto-Submitted: auto-replied
Message-ID: <65f1.170a0220.1.1@mx.google.example>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
Subject: Delivery Status Notification (Failure)
X-Failed-Recipients: {reader}
Date: Thu, 26 Nov 2026 23:05:00 -0800 (PST)
"""
    status = """Reporting-MTA: dns; googlemail.example
Arrival-Date: Thu, 26 Nov 2026 23:04:59 -0800 (PST)
X-Original-Message-ID: <d.1@news.example.org>

Final-Recipient: rfc822; {reader}
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.example. (2001:db8::1b, the server for the domain.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please
 550-5.1.1 look for mistakes in the address. 550 5.1.1 For more: 4fb4d7f45d1cf-5cd.12 - gsmtp
Last-Attempt-Date: Thu, 26 Nov 2026 23:05:00 -0800 (PST)
"""
    related = '--=_r\nContent-Type: text/plain; charset="UTF-8"\n\nNot found.\n\n--=_r--'
    parts = [
        ('multipart/related; boundary="=_r"', related),
        ("message/delivery-status", status),
        ("message/rfc822", OURS),
    ]
    return bytes_of(_report(head, parts), path=path, reader=reader)


def sendmail(path: str, reader: str) -> bytes:
    head = """
Received: from localhost (localhost)
 by relay.example.org (8.17.1/8.17.1) id 4AR705; Fri, 27 Nov 2026 07:05:01 GMT
Date: Fri, 27 Nov 2026 07:05:01 GMT
From: Mail Delivery Subsystem <MAILER-DAEMON@relay.example.org>
Message-Id: <202611270705.4AR705@relay.example.org>
To: <{path}>
Subject: Returned mail: see transcript for details
Auto-Submitted: auto-generated (failure)
"""
    status = """Reporting-MTA: dns; relay.example.org
Received-From-MTA: DNS; mx.example.org
Arrival-Date: Fri, 27 Nov 2026 07:05:00 GMT

Final-Recipient: RFC822; {reader}
Action: failed
Status: 5.1.1
Remote-MTA: DNS; mail.dest.example
Diagnostic-Code: SMTP; 550 5.1.1 <{reader}>... User unknown
Last-Attempt-Date: Fri, 27 Nov 2026 07:05:01 GMT
"""
    parts = [
        ("text/plain", "   ----- These had errors for good -----\n<{reader}>\n"),
        ("message/delivery-status", status),
        ("text/rfc822-headers", OURS),
    ]
    return bytes_of(_report(head, parts), path=path, reader=reader)


def qmail(path: str, reader: str) -> bytes:
    text = """
Return-Path: <>
Delivered-To: {path}
Received: (qmail 4711 invoked for bounce); 27 Nov 2026 07:06:00 -0000
Date: 27 Nov 2026 07:06:00 -0000
From: MAILER-DAEMON@qmail.example.org
To: {path}
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.org.
The mail could not go to these addresses, and that is for good.

<{reader}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <{path}>
"""
    return bytes_of(text, path=path, reader=reader)


def yahoo(path: str, reader: str) -> bytes:
    text = """
Return-Path: <>
To: {path}
From: MAILER-DAEMON@yahoo.example
Date: 27 Nov 2026 07:07:00 -0000
Message-ID: <7.1@yahoo.example>
Subject: Failure Notice

Sorry, we were unable to deliver your message to the following address.

<{reader}>:
554: delivery error: dd This user doesn't have a yahoo.example account

--- Below this line is a copy of the message.
"""
    return bytes_of(text, path=path, reader=reader)


HARD: dict[str, Callable[[str, str], bytes]] = {
    **{"postfix": postfix, "exim": exim, "old exim": old_exim, "exchange": exchange},
    **{"office 365": office_365, "gmail": gmail, "sendmail": sendmail, "qmail": qmail},
    "yahoo": yahoo,
}


# --- complaints ----------------------------------------------------------------------------
def complaint(path: str, reader: str, kind: str = "abuse") -> bytes:
    """To the address that is registered with the provider, not to the mail's own."""
    head = """
From: Feedback <feedback@arf.mail.example>
To: abuse@news.example.org
Date: Fri, 27 Nov 2026 07:08:00 +0000
Message-ID: <arf.1@arf.mail.example>
Subject: FW:A paper
"""
    fields = f"""Feedback-Type: {kind}
User-Agent: Example-Mail-Feedback/2.0
Version: 1
Original-Mail-From: <{{path}}>
Original-Rcpt-To: redacted@dest.example
Received-Date: Fri, 27 Nov 2026 07:00:00 +0000
Reported-Domain: news.example.org
"""
    parts = [
        ("text/plain", "A person has called this mail junk.\n"),
        ("message/feedback-report", fields),
        ("message/rfc822", OURS),
    ]
    text = _report(head, parts, "feedback-report").replace("Delivered-To: {path}\n", "")
    return bytes_of(text, path=path, reader=reader)


# --- what is no bounce ---------------------------------------------------------------------
def _letter(headers: str, text: str, sender: str = "reader@dest.example") -> str:
    return (
        f"Return-Path: <{sender}>\nFrom: {sender or 'reader@dest.example'}\nTo: {{path}}\n"
        f"Message-ID: <x{len(text)}@dest.example>\n{headers.strip()}\n\n{text}\n"
    )


_QUOTED = "Sorry, no mailbox here by that name: 550 5.1.1 User unknown, says {reader}"
HARMLESS = {
    "vacation": _letter("Subject: Away\nAuto-Submitted: auto-replied", "Back in May."),
    "vacation by the null sender": _letter("Auto-Submitted: auto-replied (vacation)", _QUOTED, ""),
    "old autoresponder": _letter("Precedence: auto_reply\nX-Autoreply: yes", _QUOTED),
    "receipt": _letter(
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="r"',
        "--r\nContent-Type: message/disposition-notification\n\nDisposition: displayed\n--r--",
    ),
}
ODD = {
    "challenge": _letter("Subject: Please confirm that you are a person", "Press https://x.y/"),
    "by hand": _letter("Subject: Re: A paper", _QUOTED),
    "nothing": "",
    "only noise": "\n".join(["--=_", "Content-Type: multipart/report; boundary=", "\0" * 50] * 9),
}
