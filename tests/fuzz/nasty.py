"""Values that have broken web sites: more than forty, for every place where one may be put."""

import os
from urllib.parse import quote

# Whether to try everything everywhere (see this package's docstring).
IS_LONG = "FUZZ_EXAMPLES" in os.environ

VALUES = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "\u202e",
    "\ufeff",
    "\ud800",
    "\U0010ffff",
    "é" * 300,
    "中国",
    "😀",
    "?",
    "%",
    "%%%",
    "%00",
    "%zz",
    "..",
    "../../etc/passwd",
    "\\",
    "'",
    '"',
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${7*7}",
    "0",
    "-1",
    "1e400",
    "1e999",
    "NaN",
    "9" * 30,
    "2147483648",
    "9223372036854775808",
    "𝟙",
    "99999999-99-99",
    "0000-00-00",
    "10000-01-01",
    "2026-02-30",
    "true",
    "null",
    "None",
    "[",
    "(",
    "[]",
    "{}",
    "a" * 5_000,
    "a " * 3_000,
    "(" * 1_000,
    "a@b@c",
    "@",
    "a@" + "b" * 300 + ".example",
    "http://[::1",
    "//evil.example",
    "javascript:alert(1)",
    "=1+1",
    "unsubscribe",
)

# One of each kind, for places of which there are hundreds.
FEW = (
    *("\x00", "a\x00b", "\ud800", "\U0010ffff", "𝟙", "9" * 30, "-1", "1e999", "NaN"),
    *("10000-01-01", "0000-00-00", "2026-02-30", "'", "%", "[", "\u202e", "2147483648"),
)


def escaped(text: str) -> str:
    """The text as it stands in a URL or a form, even if it is not one that UTF-8 can hold."""
    return quote(text.encode(errors="surrogatepass"), safe="")
