"""The sign-up, as a form on our pages and as the fields of the JSON endpoint."""

import json
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core import signing
from django.core.validators import slug_re
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from subscribers import addresses
from subscribers.addresses import Address
from subscribers.joining import abuse, captcha

from .topics import TopicsField
from .zones import options, zones

# A person needs longer than this to fill in a form, and a form older than this was kept.
LEAST_FILLING = timedelta(seconds=2)
OLDEST_FORM = timedelta(hours=24)


class OfferedTopicsField(TopicsField):
    """Topics by the short names that stand in their addresses, for forms on other sites too."""

    def __init__(self) -> None:
        super().__init__()
        self.to_field_name = "slug"

    def clean(self, value: Any) -> Any:
        """What can be no topic's name is refused here; PostgreSQL could not even look for it."""
        if isinstance(value, list) and not all(map(_is_slug, value)):
            raise forms.ValidationError(_("This is no topic of ours."))
        return super().clean(value)


def _is_slug(value: object) -> bool:
    return isinstance(value, str) and slug_re.match(value) is not None


class Wishes(forms.Form):
    """What somebody who signs up says. `cleaned_data["email"]` is an `addresses.Address`."""

    email = forms.CharField(
        max_length=320,
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "placeholder": "you@example.org", "required": True}
        ),
        error_messages={"required": _("Enter the address that the digest should come to.")},
    )
    topics = OfferedTopicsField()
    zone = forms.CharField(required=False, max_length=64)
    altcha = forms.CharField(required=False, max_length=2000)

    def clean_email(self) -> Address:
        try:
            return addresses.parse(self.cleaned_data["email"])
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """The puzzle last, and only for a sign-up that is right: its solution is good once."""
        if not self.errors and captcha.is_on() and not self._is_solved():
            raise forms.ValidationError(
                _(
                    "The small computation that keeps programs out is missing, or was used "
                    "before. Please send this once more."
                )
            )
        return self.cleaned_data

    def _is_solved(self) -> bool:
        return captcha.is_solved(self.cleaned_data.get("altcha", ""))


class SignupForm(Wishes):
    """The form on a page.

    `cleaned_data["next"]` is where the visitor goes afterwards, or "" for our own page.
    """

    # Hidden from people; a program that fills in every field is told a success that is none.
    website = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    opened = forms.CharField(required=False, max_length=200)
    next = forms.CharField(required=False, max_length=2000)
    # Which of the two the visitor chose when asked "Did you mean gmail.com?".
    spelling = forms.CharField(required=False, max_length=320)

    def clean_zone(self) -> str:
        """The browser's zone if it has one that we know; the form shows it to be corrected."""
        zone: str = self.cleaned_data["zone"]
        return zone if zone in zones() else "UTC"

    def clean_next(self) -> str:
        return allowed_redirect(self.cleaned_data["next"])

    def clean(self) -> dict[str, Any]:
        if _is_older(self._opened, OLDEST_FORM):
            raise forms.ValidationError(
                _("This page was open for more than a day. Please send it once more.")
            )
        return super().clean()

    # --- after is_valid --------------------------------------------------------------------
    def is_by_a_program(self) -> bool:
        """Whether the hidden field was filled in, the form quicker than a person can, or used
        for one address after another.

        A form without our signed time counts as quick. Asking counts a use.
        """
        least = _least_filling(self._opened)
        if self.data.get("website") or least is None or not _is_older(self._opened, least):
            return True
        return abuse.is_form_worn(self._opened)

    def better_spelled(self) -> Address | None:
        """The address that was probably meant, if there is one that was not asked about yet."""
        entered: Address = self.cleaned_data["email"]
        better = addresses.better_spelled(entered)
        if better and self.cleaned_data["spelling"] in {entered.deliver_to, better.deliver_to}:
            return None
        return better

    def address(self) -> Address:
        """The address as entered, or better spelled if the visitor said so."""
        entered: Address = self.cleaned_data["email"]
        better = addresses.better_spelled(entered)
        if better and better.deliver_to == self.cleaned_data["spelling"]:
            return better
        return entered

    # --- for the page ----------------------------------------------------------------------
    @property
    def opened_at(self) -> str:
        """The signed time at which this form was first shown, so that who only corrects a slip
        need not wait again."""
        is_ours = _least_filling(self._opened) is not None
        return (
            self._opened if is_ours and not _is_older(self._opened, OLDEST_FORM) else opened_now()
        )

    @property
    def challenge(self) -> str:
        """A new puzzle as JSON, or "" if there is none to be solved."""
        return json.dumps(captcha.new_challenge(timezone.now())) if captcha.is_on() else ""

    @property
    def zone_options(self) -> SafeString:
        return options(self["zone"].value() or "UTC")

    @property
    def _opened(self) -> str:
        return str(self.data.get("opened", self.initial.get("opened", "")))


class SignupFields(Wishes):
    """The fields of the JSON endpoint. Unlike a form's they were not chosen from a list by a
    person, so what we do not know is an error."""

    language = forms.CharField(required=False, max_length=7)

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"] or "UTC"
        if zone not in zones():
            raise forms.ValidationError(_("No such time zone; it looks like Europe/Lisbon."))
        return zone

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"] or settings.LANGUAGE_CODE
        if language not in dict(settings.LANGUAGES):
            raise forms.ValidationError(_("There are no digests in this language."))
        return language


# --- where to go afterwards ----------------------------------------------------------------
def allowed_redirect(url: str) -> str:
    """The address if the operator allows to go there (SIGNUP_REDIRECTS), else "".

    Origins are compared whole and exactly, so that nothing in front of or behind a name fools
    us; what does not belong into an address was taken out by `urlsplit` before.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_allowed = f"{parts.scheme}://{parts.netloc}" in settings.SIGNUP_REDIRECTS
    return parts.geturl() if is_allowed else ""


# --- the signed time -----------------------------------------------------------------------
def opened_now(least: timedelta = LEAST_FILLING) -> str:
    """The signed time for a form that is being shown, and how long filling it in takes at least.

    It is a different one for each visitor, so that one that is used for ever can be told.
    """
    return _signer().sign(f"{least.seconds}-{secrets.token_urlsafe(9)}")


def _least_filling(opened: str) -> timedelta | None:
    """How long filling in this form takes at least; None if it is not one of ours."""
    try:
        least, _dash, _nonce = _signer().unsign(opened).partition("-")
    except signing.BadSignature:
        return None
    return timedelta(seconds=int(least))


def _is_older(opened: str, age: timedelta) -> bool:
    try:
        _signer().unsign(opened, max_age=age)
    except signing.SignatureExpired:
        return True
    except signing.BadSignature:
        return False
    return False


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="subscribers.signup")
