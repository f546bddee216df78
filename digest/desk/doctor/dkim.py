"""DKIM: the published keys, and what the signatures of a mail that arrived cover."""

import binascii
from base64 import b64decode
from collections.abc import Iterator

from django.utils.translation import gettext as _

from .findings import Finding, ok, unknown, wrong
from .resolver import Resolver
from .setup import Setup
from .tags import items, tags_of

# Gmail takes no shorter keys; RFC 8301 asks for 2048 bits.
_LEAST_BITS, _GOOD_BITS = 1024, 2048
_MUST_BE_SIGNED = ("from", "list-unsubscribe", "list-unsubscribe-post")


class BadKey(Exception):
    """The words say what is wrong with a key's record."""


def check(setup: Setup, dns: Resolver) -> Iterator[Finding]:
    if not setup.keys and not setup.arrived:
        yield unknown(
            "dkim-key",
            _("Which DKIM keys sign our mail is unknown: the mail server or service adds them."),
            _("Set DKIM_SELECTORS, or name a mail that arrived with --mail."),
        )
    for selector, domain in setup.keys:
        yield _key(f"{selector}._domainkey.{domain}", dns)
    yield from _signatures(setup)


def _key(name: str, dns: Resolver) -> Finding:
    answer = dns.txt(name)
    if answer.problem:
        return unknown("dkim-key", answer.problem)
    try:
        kind, bits = read_key(answer.values)
    except BadKey as error:
        change = _("Publish the record again, as your mail server or service shows it.")
        return wrong("dkim-key", f"{name}: {error}", change)
    about = {"name": name, "kind": kind, "bits": bits}
    if kind == "rsa" and bits < _GOOD_BITS:
        words = _("%(name)s: %(kind)s with %(bits)d bits; 2048 are better where you can choose.")
    else:
        words = _("%(name)s: %(kind)s with %(bits)d bits.")
    return ok("dkim-key", words % about)


def read_key(records: tuple[str, ...]) -> tuple[str, int]:
    """The kind of key in a selector's records, and its length in bits. Raises BadKey."""
    if not records:
        raise BadKey(_("There is no such DKIM record."))
    if len(records) > 1:
        raise BadKey(_("There are several DKIM records, so none can be relied on."))
    try:
        tags = tags_of(records[0])
    except ValueError as error:
        raise BadKey(_("The record cannot be read.")) from error
    _refuse_limits(tags)
    try:
        key = b64decode("".join(tags["p"].split()), validate=True)
        kind = tags.get("k", "rsa").lower()
        bits = _rsa_bits(key) if kind == "rsa" else len(key) * 8
    except (binascii.Error, ValueError, IndexError) as error:
        raise BadKey(_("Its key cannot be read.")) from error
    if kind not in {"rsa", "ed25519"} or (kind == "ed25519" and bits != 256):
        raise BadKey(_("Its key is of a kind that nobody knows."))
    if kind == "rsa" and bits < _LEAST_BITS:
        raise BadKey(_("Its key has only %(bits)d bits; at least 1024 count.") % {"bits": bits})
    return kind, bits


def _refuse_limits(tags: dict[str, str]) -> None:
    """Raise BadKey for what makes a record worthless before its key is read."""
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        raise BadKey(_("The record cannot be read."))
    if not tags["p"]:
        raise BadKey(_("The key is revoked: the record has an empty p=."))
    if "y" in items(tags.get("t", "")):
        raise BadKey(_("The key is marked as a test (t=y), so its signatures count for nothing."))
    if "sha256" not in items(tags.get("h", "sha256")):
        raise BadKey(_("The record allows no SHA-256."))
    if not {"*", "email"} & set(items(tags.get("s", "*"))):
        raise BadKey(_("The key is not for mail."))


def _rsa_bits(key: bytes) -> int:
    """The length of an RSA key's modulus: SubjectPublicKeyInfo, or the bare key (RFC 8017)."""
    _, outer, _ = _element(key)
    kind, first, rest = _element(outer)
    if kind == 0x30:  # the algorithm; the key is in the BIT STRING after it
        kind, first, _ = _element(_element(_element(rest)[1][1:])[1])
    if kind != 0x02:
        raise ValueError("no modulus")
    return int.from_bytes(first, "big").bit_length()


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """The first element of DER: its tag, its content, and what follows."""
    kind, length, start = data[0], data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("cut off")
    return kind, data[start : start + length], data[start + length :]


def _signatures(setup: Setup) -> Iterator[Finding]:
    if not setup.arrived:
        words = _("Whether the signature covers List-Unsubscribe cannot be seen from here.")
        yield unknown("dkim-signature", words, _("Name a mail that arrived with --mail."))
        return
    if not setup.arrived.signatures:
        change = _("Let your mail server or service sign with DKIM.")
        yield wrong("dkim-signature", _("The mail that arrived has no DKIM signature."), change)
    for one in setup.arrived.signatures:
        missing = [name for name in _MUST_BE_SIGNED if name not in one.headers]
        about = {"domain": one.domain, "headers": ", ".join(missing)}
        if missing and one.domain == setup.from_domain:
            words = _("The signature of %(domain)s does not cover: %(headers)s.") % about
            change = _("Have these headers signed; otherwise the unsubscribe button is not shown.")
            yield wrong("dkim-signature", words, change)
        elif one.is_partial:
            words = _("The signature of %(domain)s covers only a part of the text (l=).") % about
            yield wrong("dkim-signature", words, _("Have the whole text signed."))
        else:
            yield ok("dkim-signature", _("The signature of %(domain)s is complete.") % about)
