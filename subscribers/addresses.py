"""Parsing, comparing and hashing mail addresses.

An invalid address is refused here with a text for the reader. `letters` checks again just before
a mail goes out, because a mail library may read one text as two recipients.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

_MAX_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_MAX_LOCAL = 64  # RFC 5321 §4.5.3.1.1
_MOST_DOMAINS = 50_000
# Letters, digits and a few signs between them: what any rule allows before the @.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*")

# The domains most people use; misspelled domains are compared with these.
COMMON_DOMAINS = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com"),
        *("yahoo.com", "ymail.com", "icloud.com", "me.com", "mac.com", "aol.com", "mail.com"),
        *("proton.me", "protonmail.com", "fastmail.com", "zoho.com", "gmx.com", "gmx.net"),
        *("gmx.de", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de", "posteo.de"),
        *("yahoo.co.uk", "hotmail.co.uk", "btinternet.com", "orange.fr", "free.fr", "libero.it"),
        *("qq.com", "163.com", "126.com", "naver.com", "mail.ru", "yandex.ru", "uol.com.br"),
    }
)
# At this similarity "gmial.com" counts as a typo for gmail.com, and "gmail.de" does not.
_MIN_SIMILARITY = 0.84


@dataclass(frozen=True, slots=True)
class _Provider:
    """How a mailbox provider reads the part before the @, besides ada+anything.

    `ignored` is for `str.translate`; what follows one of the `separators` does not matter.
    """

    name: str
    ignored: Mapping[int, Any] = field(default_factory=dict)
    separators: str = ""


# Only providers that say so themselves. Outlook's domains, for one, are different mailboxes.
_READINGS = (
    # https://support.google.com/mail/answer/7436150
    (_Provider("gmail.com", str.maketrans("", "", ".")), "gmail.com googlemail.com"),
    # https://proton.me/support/addresses-and-aliases
    (
        _Provider("proton.me", str.maketrans("", "", ".-_")),
        "proton.me protonmail.com protonmail.ch pm.me",
    ),
    # https://support.apple.com/102540
    (_Provider("icloud.com"), "icloud.com me.com mac.com"),
    # https://yandex.com/support/id/en/authorization/login: a dot is a hyphen
    (
        _Provider("yandex.ru", str.maketrans(".", "-")),
        "yandex.ru ya.ru yandex.com yandex.by yandex.kz yandex.ua yandex.uz yandex.com.tr "
        "yandex.com.ge yandex.fr yandex.az yandex.com.am yandex.co.il yandex.kg yandex.lt "
        "yandex.lv yandex.md yandex.tj yandex.tm yandex.ee narod.ru",
    ),
    # https://help.yahoo.com/kb/SLN28338.html: base-keyword, and no user name has a hyphen
    (_Provider("yahoo.com", separators="-"), "yahoo.com"),
)
_PROVIDERS = {domain: provider for provider, domains in _READINGS for domain in domains.split()}
_SUBDOMAINS = ("fastmail.com", "fastmail.fm")


class InvalidAddress(ValueError):
    """Mail cannot be sent to this. The message is for the reader and contains no address."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address in two forms.

    `canonical` is for comparing addresses: lower case, with an ASCII domain.
    `deliver_to` is where mail goes. It keeps the part before the @ as entered, because only the
    receiving server knows whether its case matters (RFC 5321 §2.4).
    """

    canonical: str
    deliver_to: str

    @property
    def domain(self) -> str:
        return self.canonical.rpartition("@")[2]

    @property
    def hash(self) -> str:
        """The same as `hashed` of it, without parsing it again."""
        return _keyed(self.canonical)


def parse(text: str) -> Address:
    """Return the address in `text`, which must contain nothing else.

    Raises `InvalidAddress` for anything but one plain address of at most 254 characters: names,
    lists, quoted parts, address literals, control characters, and a non-ASCII part before the @,
    which few mail services accept.
    """
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(_what_is_wrong(text)) from error
    # With allow_smtputf8=False the ASCII form is never None.
    deliver_to = str(valid.ascii_email)
    return Address(canonical=deliver_to.lower(), deliver_to=deliver_to)


class Parser:
    """`parse` for files of many addresses: each domain is looked at once, as long as it is plain.

    Two thirds of the time for an address go into its domain, and files have few different ones.
    """

    def __init__(self) -> None:
        self._domains: dict[str, str] = {}

    def parse(self, text: str) -> Address:
        """Return and raise the same as `parse`."""
        local, _at, domain = text.rpartition("@")
        known = self._domains.get(domain)
        if known is not None and len(local) <= _MAX_LOCAL and _PLAIN_LOCAL.fullmatch(local):
            deliver_to = f"{local}@{known}"
            if len(text) <= _MAX_LENGTH and len(deliver_to) <= _MAX_LENGTH:
                return Address(canonical=deliver_to.lower(), deliver_to=deliver_to)
        address = parse(text)
        if len(self._domains) < _MOST_DOMAINS and domain.isascii():
            self._domains[domain] = address.deliver_to.rpartition("@")[2]
        return address


def _what_is_wrong(text: str) -> str:
    """Explain to the reader why `text` is not an address; the most common mistakes come first."""
    local, at, domain = text.rpartition("@")
    if not at:
        return _("An email address needs an @, as in you@example.org.")
    if "@" in local or any(character in text for character in ",;<> \t\r\n"):
        return _("Enter one address only, without a name or spaces, as in you@example.org.")
    if not local.isascii():
        return _(
            "We can’t send to addresses with accented or non-Latin letters before the @ yet. "
            "Please enter another address."
        )
    if len(text) > _MAX_LENGTH:
        return _("This is too long for an email address.")
    if "." not in domain:
        return _("The part after the @ is incomplete. It should look like example.org.")
    return _("We can’t send email to this address. Please check it for typos.")


def better_spelled(address: Address) -> Address | None:
    """Return the address with the common domain that was probably meant, or None.

    Use it to ask, never to refuse: somebody may really own the unusual domain.
    """
    if address.domain in COMMON_DOMAINS:
        return None
    close = get_close_matches(address.domain, COMMON_DOMAINS, n=1, cutoff=_MIN_SIMILARITY)
    return parse(f"{address.deliver_to.rpartition('@')[0]}@{close[0]}") if close else None


def canonical(text: str) -> str:
    """Return the form in which equal addresses are equal. Raises `InvalidAddress`."""
    return parse(text).canonical


def hashed(address: str) -> str:
    """Return the keyed hash of the canonical address, 64 hex digits. Raises `InvalidAddress`.

    Without the key, nobody can match the hashes against a list of addresses.
    """
    return _keyed(canonical(address))


def abuse_key(address: str) -> str:
    """Return a keyed hash shared by all spellings that probably reach the same mailbox.

    It stops floods through ada+1@…, ada+2@…, through the dots that Gmail ignores, and through the
    other domains of one provider. Use it only for counting. Mail and uniqueness use the address
    itself, because at other providers such spellings may be different people. Raises
    `InvalidAddress`.
    """
    local, _at, domain = canonical(address).rpartition("@")
    for host in _SUBDOMAINS:
        if domain.endswith(f".{host}"):  # anything@ada.fastmail.com reaches ada@fastmail.com
            local, domain = domain.removesuffix(f".{host}").rpartition(".")[2], host
    provider = _PROVIDERS.get(domain, _Provider(domain))
    for separator in ("+", *provider.separators):
        local = local.partition(separator)[0] or local
    return _keyed(f"abuse:{local.translate(provider.ignored)}@{provider.name}")


def _keyed(text: str) -> str:
    return hmac.digest(settings.ADDRESS_KEY.encode(), text.encode(), "sha256").hex()
