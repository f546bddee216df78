"""What forms say about a wrong value: what to do, in our own words instead of Django's."""

from typing import Any

# Every code with which one of our fields refuses a value.
_CODES = (
    *("required", "invalid", "invalid_choice", "invalid_list", "invalid_pk_value"),
    *("min_value", "max_value", "max_length", "null_characters_not_allowed"),
)


def saying(text: Any) -> dict[str, Any]:
    """Return `error_messages` for a field that has one thing to say of any wrong value."""
    return dict.fromkeys(_CODES, text)
