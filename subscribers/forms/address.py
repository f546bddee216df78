"""The form for a new address, and the one that asks for a link."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscribers import addresses
from subscribers.models import Subscriber

from .saying import saying


class _AddressField(forms.CharField):
    """An email address; its value is an `addresses.Address`."""

    def __init__(self, text: Any) -> None:
        super().__init__(
            max_length=320,
            widget=forms.EmailInput(attrs={"autocomplete": "email"}),
            error_messages=saying(text),
        )

    def clean(self, value: Any) -> Any:
        try:
            return addresses.parse(super().clean(value))
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error


class LinkForm(forms.Form):
    """The address to which a link to the preferences goes."""

    email = _AddressField(gettext_lazy("Enter your email address."))


class AddressForm(forms.Form):
    """A new address for the digests."""

    email = _AddressField(gettext_lazy("Enter your new email address."))

    def __init__(self, subscriber: Subscriber, data: Any = None) -> None:
        super().__init__(data)
        self._address_hash = subscriber.address_hash

    def clean_email(self) -> addresses.Address:
        address: addresses.Address = self.cleaned_data["email"]
        if addresses.hashed(address.canonical) == self._address_hash:
            raise forms.ValidationError(_("Your digests already go to this address."))
        return address
