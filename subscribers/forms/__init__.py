"""The forms on the public pages.

In: posted text. Out: `cleaned_data` with values that ``joining`` and ``wishes`` take as they are,
such as an `Address`, or error messages for the reader.

Read ``signup`` first, then ``preferences`` and ``address``. They use ``zones``, the list of time
zones, and ``saying``, for what they say about wrong values.
"""

from .address import AddressForm, LinkForm
from .preferences import PreferencesForm
from .signup import MOST_TOPICS, SignupFields, SignupForm, allowed_redirect, opened_now
from .zones import zones

__all__ = [
    "MOST_TOPICS",
    "AddressForm",
    "LinkForm",
    "PreferencesForm",
    "SignupFields",
    "SignupForm",
    "allowed_redirect",
    "opened_now",
    "zones",
]
