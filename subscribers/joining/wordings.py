"""What people agreed to when they signed up: the words of the form, by the version that each
consent names."""

from collections.abc import Mapping

_FIRST = (
    "We send one mail to confirm the address. Nothing comes until you do, and every digest has a "
    "link to stop."
)
WORDINGS: Mapping[str, str] = {
    "signup-1": _FIRST,
    "signup-2": _FIRST,
    "signup-3": (
        "We will send one email to confirm your address. You get no digests until you confirm, and "
        "every digest has an unsubscribe link."
    ),
}
# Raise it whenever the form's text changes, and keep the former text above.
CURRENT = "signup-3"
