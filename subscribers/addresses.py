"""What an address is, when two are the same, and how one is kept without being readable.

An address is refused here with words for the reader, and again by `letters` just before a
mail goes out: a mail library may take one text for two recipients.
"""

import hashlib
import hmac
from dataclasses import dataclass
from difflib import get_close_matches

from django.conf import settings
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

LONGEST = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets

# Where most people have their mail: what a slip of the fingers is compared with.
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
# At this likeness "gmial.com" is a slip for gmail.com, and "gmail.de" is somebody else.
_LIKENESS = 0.84


class InvalidAddress(ValueError):
    """No address that mail can be sent to. The text is for the reader and names no address."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address in its two forms.

    `canonical` says whether two addresses are the same: small letters, ASCII domain.
    `deliver_to` is where mail goes: the part before the @ as it was entered, because only the
    receiving server knows whether its case matters (RFC 5321 §2.4).
    """

    canonical: str
    deliver_to: str

    @property
    def domain(self) -> str:
        return self.canonical.rpartition("@")[2]


def parse(text: str) -> Address:
    """The address in `text`, which must hold nothing else.

    Raises `InvalidAddress` for all that is no plain address of at most 254 characters:
    names, lists, quoted parts, address literals, controls, and a non-ASCII part before
    the @, which few mail services can carry.
    """
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(_what_is_wrong(text)) from error
    # Without SMTPUTF8 the ASCII form is always there.
    deliver_to = str(valid.ascii_email)
    return Address(canonical=deliver_to.lower(), deliver_to=deliver_to)


def _what_is_wrong(text: str) -> str:
    """Plain words about a text that is no address, starting with what people do most."""
    local, at, domain = text.rpartition("@")
    if not at:
        return _("An address has an @ in it, as in you@example.org.")
    if "@" in local or any(character in text for character in ",;<> \t\r\n"):
        return _("Enter one address only, without a name or a space, as in you@example.org.")
    if not local.isascii():
        return _(
            "Letters other than a to z before the @ are not supported yet: mail would not reach "
            "you. Please enter another address."
        )
    if len(text) > LONGEST:
        return _("This is longer than an address can be.")
    if "." not in domain:
        return _("The part after the @ is not complete: it looks like example.org.")
    return _("Mail cannot be sent to this address. Please look for a slip in it.")


def better_spelled(address: Address) -> Address | None:
    """The address with the common domain that was probably meant, if this is a slip of one.

    A guess to ask about, never a reason to refuse: somebody may own the odd domain.
    """
    if address.domain in COMMON_DOMAINS:
        return None
    close = get_close_matches(address.domain, COMMON_DOMAINS, n=1, cutoff=_LIKENESS)
    return parse(f"{address.deliver_to.rpartition('@')[0]}@{close[0]}") if close else None


def canonical(text: str) -> str:
    """The form in which equal addresses are equal. Raises `InvalidAddress`."""
    return parse(text).canonical


def hashed(address: str) -> str:
    """The keyed hash of the canonical address, 64 hex digits. Raises `InvalidAddress`.

    The key makes it useless to whoever has a list of addresses but not the key.
    """
    return _keyed(canonical(address))


def abuse_key(address: str) -> str:
    """The keyed hash that all spellings share which reach one mailbox, as far as one can tell.

    Without it a mailbox could be flooded through ada+1@…, ada+2@…, or through the dots that
    Gmail ignores. Only for counting: mail and uniqueness go by the address itself, because
    elsewhere such spellings may be different people. Raises `InvalidAddress`.
    """
    local, _at, domain = canonical(address).rpartition("@")
    local = local.partition("+")[0]
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return _keyed(f"abuse:{local}@{domain}")


def _keyed(text: str) -> str:
    return hmac.new(settings.ADDRESS_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
