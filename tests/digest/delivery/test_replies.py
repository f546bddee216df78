"""What mail servers really answer, and whom it is about (addresses, hosts and numbers replaced)."""

import smtplib
from datetime import timedelta

import pytest

from digest.delivery.outcomes import Outcome, Verdict, connection_outcome, outcome_of, sameness

READER, US = "reader@dest.example", "digest@news.example.org"

ADDRESS = (Verdict.FAILED, "suppressed")
SUSPECT = (Verdict.FAILED, "suspect")
FAILED = (Verdict.FAILED, "")
STOP = (Verdict.STOP, "")
HOLD = (Verdict.RETRY, "held")
REST = (Verdict.RETRY, "unspent")
LATER = (Verdict.RETRY, "")


def kind_of(outcome: Outcome) -> tuple[Verdict, str]:
    marks = {
        "suppressed": outcome.is_bad_address,
        "suspect": outcome.is_suspect,
        "held": outcome.wait is not None,
        "unspent": not outcome.is_spent,
    }
    return outcome.verdict, " ".join(name for name, is_set in marks.items() if is_set)


def parted(answer: str) -> tuple[int, bytes]:
    """The code and the text as smtplib gives them."""
    return int(answer[:3]), answer[4:].encode()


def to_recipient(answer: str) -> Outcome:
    return outcome_of(smtplib.SMTPRecipientsRefused({READER: parted(answer)}))


def to_text(answer: str) -> Outcome:
    return outcome_of(smtplib.SMTPDataError(*parted(answer)))


AT_RCPT = {
    ADDRESS: [
        "550 5.1.1 <reader@dest.example>: Recipient address rejected: User unknown",
        "550 5.1.1 <reader@dest.example>: Recipient address rejected: User unknown in virtual "
        "mailbox table",
        "550 5.1.1 <reader@dest.example>: Recipient address rejected: User unknown in relay "
        "recipient table",
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\n5.1.1 "
        "double-checking the recipient's email address for typos or unnecessary\n5.1.1 spaces. "
        "For more information, go to\n5.1.1 https://support.google.com/mail/?p=NoSuchUser x1-2",
        "550 5.2.1 The email account that you tried to reach is disabled. x12si4 - gsmtp",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient reader@dest.example not found by "
        "SMTP address lookup",
        "550 5.1.2 <reader@dest.example>: Recipient address rejected: Domain not found",
        "550 5.1.1 <reader@dest.example> Recipient not found. [x.prod.outlook.com]",
        "554 delivery error: dd This user doesn't have a yahoo.com account (reader@dest.example) "
        "[0] - mta1.mail.example",
        "554 delivery error: dd Sorry your message to reader@dest.example cannot be delivered. "
        "This mailbox is disabled (554.30).",
        "552 1 Requested mail action aborted, mailbox not found",
        "550 Unknown user",
        "550 No Such User Here",
        "550 Unrouteable address",
        "550 Invalid Recipient - https://community.example/docs/DOC-1369#550 [abc.uk1]",
        "550 #5.1.0 Address rejected. No such user reader@dest.example",
        "550 5.1.1 User Unknown",
        "550 5.0.0 <reader@dest.example>... User unknown",
        "550 5.1.1 <reader@spf-relay-helo.example>: Recipient address rejected: User unknown",
        "550 The mail server could not deliver mail to reader@dest.example.  The account or domain"
        " may not exist, they may be blacklisted, or missing the proper dns entries.",
        "550 5.1.1 The user does not exist on this server",
        "556 5.1.10 <reader@dest.example>: Recipient address rejected: Domain dest.example does "
        "not accept mail (nullMX)",
        "550 5.1.6 The mailbox has moved, no forwarding address",
        "550 5.1.1 unknown or illegal alias: reader@dest.example",
        "550 permanent failure for one or more recipients (reader@dest.example:550 5.1.1 User "
        "unknown)",
    ],
    SUSPECT: [
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        "550 5.4.1 Recipient address rejected: Access denied. [x.eop-EUR01.prod.outlook.com]",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
        "550 Requested action not taken: mailbox unavailable",
        "550 5.1.0 Address rejected.",
        "550 Requested action not taken: mailbox unavailable\nFor explanation visit "
        "https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=hi",
        "550 account is disabled",
        "550 5.1.0 <reader@dest.example> recipient rejected",
    ],
    FAILED: [
        "550 5.7.1 Sorry, this message has been blocked by our administrators",
        "552 5.2.2 <reader@dest.example>: mailbox full",
        "552-5.2.2 The email account that you tried to reach is over quota. Please direct the "
        "recipient to",
        "552 5.2.2 Mailbox size limit exceeded",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
        "550 5.7.124 RESOLVER.RST.SenderNotInAllowedSenders; sender not in allowed-senders list",
        "550 Rejected by header based manually Blocked Senders: reader@dest.example",
        "550 Administrative prohibition",
        "550 permanent failure for one or more recipients (reader@dest.example:blocked)",
        "550 5.7.1 <reader@dest.example>: Recipient address rejected: policy restrictions",
        "550 Requested mail action not taken: mailbox unavailable\nReject due to policy "
        "restrictions.",
        "550 5.7.0 Local Policy Violation",
        "550 no",
        "550",
    ],
    STOP: [
        "550 5.1.8 <digest@news.example.org>: Sender address rejected: Domain not found",
        "550 5.1.7 <digest@news.example.org>: Sender address rejected: undeliverable address",
        "550 relay not permitted",
        "554 5.7.1 <reader@dest.example>: Relay access denied",
        "550 5.7.1 Unable to relay for reader@dest.example",
        "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
        "550 5.7.64 TenantAttribution; Relay Access Denied [x.prod.outlook.com]",
        "550 5.4.1 [reader@dest.example]: Relay Access Denied",
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)",
        "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
        "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; "
        "https://www.spamhaus.org/query/ip/192.0.2.1",
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
        "Internet service provider since part of their network is on our block list (S3140).",
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
        "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. "
        "For more information please go to http://go.microsoft.com/fwlink/?LinkId=526653",
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in "
        "Spamhaus's list",
        "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred",
        "550 5.7.25 The IP address sending this message does not have a PTR record",
        "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
        "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1",
        "550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com/docs",
        "554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation",
        "550 Sender verify failed",
        "550-Verification failed for <digest@news.example.org>\nNo Such User Here\nSender verify "
        "failed",
        "550-Callback setup failed while verifying <digest@news.example.org>",
        "550-Requested action not taken: mailbox unavailable\nSender address is not allowed.",
        "530 5.7.0 Authentication required",
        "550-Please turn on SMTP Authentication in your mail client.",
        "530 5.7.57 Client not authenticated to send mail",
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        "550 5.1.1 <reader@dest.example>: Recipient address rejected: undeliverable address: host "
        "mx.dest.example[192.0.2.9] said: 554 5.7.1 Service unavailable; Client host [192.0.2.1] "
        "blocked using zen.spamhaus.org",
        "550 5.7.1 'From' address not a Sender Signature on your account",
        "550 5.7.23 SPF validation failed",
        "550 5.7.1 Your account has been suspended, sending disabled",
        "550 Your access to this mail system has been rejected due to the sending MTA's poor "
        "reputation.",
        "550 5.7.1 reader@dest.example: 192.0.2.1 is listed in the DNSBL",
        "554 5.7.1 You are not allowed to connect.",
        "571 5.7.1 Message refused: sender's score too low",
        "550 5.7.1 Rejected: 192.0.2.1 listed at bl.spamcop.net",
        "550 sender IP is blacklisted",
        "550 5.7.0 Authentication required to relay mail",
        "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help)",
    ],
    HOLD: [
        "550 5.4.5 Daily user sending limit exceeded. For more information",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message "
        "recipients",
        "454 Throttling failure: Maximum sending rate exceeded.",
        "454 Throttling failure: Daily message quota exceeded.",
        "451 Authentication failed: Maximum credits exceeded",
        "550 Domain news.example.org has exceeded the max emails per hour (500/500 (100%)) allowed."
        "  Message discarded.",
    ],
    REST: [
        "421 4.7.28 rate of mail from your IP has been limited",
        "421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from "
        "your IP address",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume "
        "or user complaints - 4.16.55.1",
        "421 Service closing transmission channel",
        "451 4.7.500 Server busy. Please try again later from [192.0.2.1]",
        "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
        "reputation.",
        "450 4.7.1 <localhost>: Helo command rejected: Host not found",
        "450 4.1.8 <digest@news.example.org>: Sender address rejected: Domain not found",
        "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]",
        "454 4.7.1 <reader@dest.example>: Relay access denied",
        "450 4.7.1 Client host rejected: too many connections from your network",
    ],
    LATER: [
        "450 4.2.0 <reader@dest.example>: Recipient address rejected: Greylisted",
        "451 4.7.1 Greylisting in action, please come back later",
        "452 4.2.2 Mailbox full",
        "450-4.2.1 The user you are trying to contact is receiving mail at a rate that",
        "451 4.3.0 Temporary lookup failure",
    ],
}


@pytest.mark.parametrize(
    ("answer", "kind"), [(answer, kind) for kind, said in AT_RCPT.items() for answer in said]
)
def test_an_answer_about_a_recipient_is_taken_for_what_it_is(
    answer: str, kind: tuple[Verdict, str]
) -> None:
    assert kind_of(to_recipient(answer)) == kind


AT_THE_END = {
    FAILED: [
        "554 5.7.1 Message rejected as spam",
        "550-5.7.1 [192.0.2.1      12] Gmail has detected that this message is likely\n5.7.1 "
        "unsolicited mail. To reduce the amount of spam sent to Gmail, this\n5.7.1 message has "
        "been blocked.",
        "554 Transaction failed\nReject due to policy restrictions.",
        "554 5.7.9 Message not accepted for policy reasons.",
        "552 5.3.4 Message size exceeds fixed limit",
        "554 5.6.0 Message contains bare line feeds",
        "554 Email rejected due to security policies - MCSpamSignature.x.1",
    ],
    STOP: [
        "554 Message rejected: Email address is not verified. The following identities failed the "
        "check in region EU-WEST-1: digest@news.example.org",
        "550-5.7.26 Unauthenticated email from news.example.org is not accepted due to domain's\n"
        "5.7.26 DMARC policy.",
        "554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform "
        "`ses:SendRawEmail'",
        "550 The from address does not match a verified Sender Identity.",
        "550 5.7.1 Sending has been disabled for this account",
        "502 5.7.0 Your SMTP account is not yet activated.",
    ],
    LATER: ["451 4.3.0 try again"],
    REST: ["421 4.3.2 Service shutting down"],
    ADDRESS: ["550 5.1.1 <reader@dest.example> User unknown"],
}


@pytest.mark.parametrize(
    ("answer", "kind"), [(answer, kind) for kind, said in AT_THE_END.items() for answer in said]
)
def test_an_answer_to_a_whole_message_is_taken_for_what_it_is(
    answer: str, kind: tuple[Verdict, str]
) -> None:
    assert kind_of(to_text(answer)) == kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("552 5.3.4 Message size exceeds fixed limit", FAILED),
        ("552 Message size exceeds maximum permitted", FAILED),
        ("550 5.1.1 who are you", STOP),
        ("530 5.7.0 Authentication required", STOP),
        ("550 5.4.5 Daily sending quota exceeded", HOLD),
        ("451 4.3.0 later", HOLD),
        ("452 4.3.1 Insufficient system storage", HOLD),
        ("421 4.3.2 shutting down", HOLD),
    ],
)
def test_an_answer_about_the_sender_is_about_us(answer: str, kind: tuple[Verdict, str]) -> None:
    assert kind_of(outcome_of(smtplib.SMTPSenderRefused(*parted(answer), US))) == kind


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("535 5.7.8 Authentication credentials invalid", Verdict.STOP),
        ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", "stop"),
        ("534 5.7.9 Application-specific password required", Verdict.STOP),
        ("530 5.7.0 Must issue a STARTTLS command first", Verdict.STOP),
        ("538 5.7.11 Encryption required for requested authentication mechanism", Verdict.STOP),
        ("454 4.7.0 Temporary authentication failure", Verdict.RETRY),
        ("421 4.7.0 Too many failed logins", Verdict.RETRY),
        ("454 4.7.0 Too many login attempts, please try again later.", Verdict.RETRY),
        (
            "535 5.7.8 Error: authentication failed: Connection lost to authentication server",
            "retry",
        ),
        ("535 5.7.0 Temporary server error, try again later", Verdict.RETRY),
    ],
)
def test_a_login_waits_by_itself_unless_the_settings_are_wrong(
    answer: str, verdict: Verdict | str
) -> None:
    error = smtplib.SMTPAuthenticationError(*parted(answer))

    assert connection_outcome(error).verdict is Verdict(verdict)
    assert outcome_of(error).verdict is Verdict(verdict)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (smtplib.SMTPConnectError(554, b"5.7.1 your IP is on our block list"), Verdict.STOP),
        (smtplib.SMTPConnectError(554, b"mx.example Nemesis\nBad DNS PTR record"), Verdict.STOP),
        (smtplib.SMTPConnectError(554, b"no service here today"), Verdict.RETRY),
        (smtplib.SMTPHeloError(550, b"Invalid HELO name"), Verdict.STOP),
        (smtplib.SMTPHeloError(450, b"4.7.1 <x>: Helo command rejected"), Verdict.RETRY),
        (smtplib.SMTPResponseException(454, b"4.7.0 TLS not available"), Verdict.RETRY),
    ],
)
def test_a_greeting_says_whether_an_operator_is_needed(error: Exception, verdict: Verdict) -> None:
    assert connection_outcome(error).verdict is verdict


def test_a_limit_counted_by_the_day_lasts_longer() -> None:
    assert to_recipient("550 5.4.5 Daily sending limit exceeded").wait == timedelta(minutes=15)
    assert to_recipient("454 Throttling failure: Maximum sending rate").wait == timedelta(minutes=1)


def test_two_readers_are_told_the_same_but_for_names_and_numbers() -> None:
    said = [
        to_text(f"554 5.7.1 <{name}@dest.example>: spam, see http://x.example/{name} id {name}7-x")
        for name in ("one", "two")
    ]

    assert len({sameness(outcome.detail) for outcome in said}) == 1
    assert sameness(to_text("554 5.7.1 virus").detail) != sameness(to_text("554 5.7.1 spam").detail)
