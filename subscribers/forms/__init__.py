"""What readers may enter. Each form's `cleaned_data` holds values ready for the flow."""

from .preferences import AddressForm, PreferencesForm
from .signup import SignupFields, SignupForm, allowed_redirect, opened_now
from .zones import zones

__all__ = [
    "AddressForm",
    "PreferencesForm",
    "SignupFields",
    "SignupForm",
    "allowed_redirect",
    "opened_now",
    "zones",
]
