"""Signing up: the form on our pages, and the fields of the JSON endpoint."""

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
from subscribers.models import Topic
from subscribers.wishes import following

from .saying import saying
from .zones import current_name, options, zones

# People take longer than this to fill in the form.
_MIN_FILLING = timedelta(seconds=2)
# A form older than this was probably saved by a program.
_MAX_FORM_AGE = timedelta(hours=24)
# More topics than any site offers. A longer list is refused before it is looked at.
MOST_TOPICS = 200


class _TopicsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Check boxes for topics, named by slug so that forms on other sites can name them too.

    Choosing none is valid: the reader gets the day's top-voted papers.
    """

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        offered = Topic.objects.filter(is_offered=True)
        super().__init__(
            offered,
            required=False,
            to_field_name="slug",
            error_messages=saying(_("There is no such topic. Choose from the list.")),
        )

    def label_from_instance(self, topic: Any) -> str:
        return str(topic.label)

    def clean(self, value: Any) -> Any:
        """Refuse anything that is not a slug: PostgreSQL rejects text with NUL characters."""
        if isinstance(value, list) and (len(value) > MOST_TOPICS or not all(map(_is_slug, value))):
            raise forms.ValidationError(_("There is no such topic."))
        return super().clean(value)


def _is_slug(value: object) -> bool:
    return isinstance(value, str) and slug_re.match(value) is not None


class _SignupBase(forms.Form):
    """What both ways of signing up share. `cleaned_data["email"]` is an `addresses.Address`."""

    email = forms.CharField(
        max_length=320,
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "placeholder": "you@example.org", "required": True}
        ),
        error_messages=saying(_("Enter your email address.")),
    )
    topics = _TopicsField()
    zone = forms.CharField(
        required=False,
        max_length=64,
        error_messages=saying(_("There is no such time zone. Use a name such as Europe/Lisbon.")),
    )
    altcha = forms.CharField(
        required=False, max_length=2000, error_messages=saying(_("Please submit the form again."))
    )

    def clean_email(self) -> Address:
        try:
            return addresses.parse(self.cleaned_data["email"])
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Check the puzzle last, and only for valid fields: its solution works only once."""
        if not self.errors and captcha.is_on() and not self._is_solved():
            raise forms.ValidationError(
                _(
                    "The check that keeps bots out is missing or was already used. Please submit "
                    "the form again."
                )
            )
        return self.cleaned_data

    def _is_solved(self) -> bool:
        return captcha.is_solved(self.cleaned_data.get("altcha", ""))


class SignupForm(_SignupBase):
    """The form on a page.

    `cleaned_data["next"]` is the URL to go to afterwards, or "" for our own page.
    """

    # Hidden from people. A program that fills it in is shown success, but is not signed up.
    website = forms.CharField(
        required=False,
        error_messages=saying(_("Leave this field empty.")),
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    opened = forms.CharField(
        required=False, max_length=200, error_messages=saying(_("Please submit the form again."))
    )
    next = forms.CharField(
        required=False, max_length=2000, error_messages=saying(_("Please submit the form again."))
    )
    # Which of the two the visitor chose when asked "Did you mean gmail.com?".
    spelling = forms.CharField(
        required=False, max_length=320, error_messages=saying(_("Please submit the form again."))
    )

    # An author to follow, as their page offers it (`following.offer`).
    author = forms.CharField(
        required=False,
        max_length=following.LONGEST,
        error_messages=saying(_("Please submit the form again.")),
    )

    def clean_zone(self) -> str:
        """Fall back to UTC for unknown zones. The page shows the zone, so people can correct it."""
        zone = current_name(self.cleaned_data["zone"])
        return zone if zone in zones() else "UTC"

    def clean_author(self) -> str:
        return following.offered(self.cleaned_data["author"])

    def clean_next(self) -> str:
        return allowed_redirect(self.cleaned_data["next"])

    def clean(self) -> dict[str, Any]:
        if _is_older(self._opened, _MAX_FORM_AGE):
            raise forms.ValidationError(
                _("This page was open for more than a day. Please submit the form again.")
            )
        return super().clean()

    # --- after is_valid --------------------------------------------------------------------
    def is_by_a_program(self) -> bool:
        """Return whether a program probably sent this form.

        That is so if the hidden field is filled in, if the form was sent faster than a person can
        fill it in or without our signed time, or if it was used for one address after another.
        Calling this counts as a use of the form.
        """
        least = _min_filling(self._opened)
        if self.data.get("website") or least is None or not _is_older(self._opened, least):
            return True
        return abuse.is_form_overused(self._opened)

    def better_spelled(self) -> Address | None:
        """Return the address that was probably meant, unless the visitor was already asked."""
        entered: Address = self.cleaned_data["email"]
        better = addresses.better_spelled(entered)
        if better and self.cleaned_data["spelling"] in {entered.deliver_to, better.deliver_to}:
            return None
        return better

    def address(self) -> Address:
        """Return the address as entered, or the suggested one if the visitor chose it."""
        entered: Address = self.cleaned_data["email"]
        better = addresses.better_spelled(entered)
        if better and better.deliver_to == self.cleaned_data["spelling"]:
            return better
        return entered

    # --- for the page ----------------------------------------------------------------------
    @property
    def opened_at(self) -> str:
        """The signed time at which this form was first shown.

        It stays the same after an error, so visitors who correct a typo need not wait again.
        """
        is_ours = _min_filling(self._opened) is not None
        return (
            self._opened if is_ours and not _is_older(self._opened, _MAX_FORM_AGE) else opened_now()
        )

    @property
    def follows(self) -> str:
        """The name of the author to follow; "" if there is none."""
        return following.offered(str(self["author"].value() or ""))

    @property
    def challenge(self) -> str:
        """A new puzzle as JSON, or "" if the operator does not want one."""
        return json.dumps(captcha.new_challenge(timezone.now())) if captcha.is_on() else ""

    @property
    def zone_options(self) -> SafeString:
        return options(self["zone"].value() or "UTC")

    @property
    def _opened(self) -> str:
        return str(self.data.get("opened", self.initial.get("opened", "")))


class SignupFields(_SignupBase):
    """The fields of the JSON endpoint.

    A program fills them in, not a person who chooses from a list, so unknown values are errors.
    """

    language = forms.CharField(
        required=False,
        max_length=7,
        error_messages=saying(_("Digests are not available in this language.")),
    )

    def clean_zone(self) -> str:
        zone = current_name(self.cleaned_data["zone"] or "UTC")
        if zone not in zones():
            raise forms.ValidationError(
                _("There is no such time zone. Use a name such as Europe/Lisbon.")
            )
        return zone

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"] or settings.LANGUAGE_CODE
        if language not in dict(settings.LANGUAGES):
            raise forms.ValidationError(_("Digests are not available in this language."))
        return language


# --- where to go afterwards ----------------------------------------------------------------
def allowed_redirect(url: str) -> str:
    """Return the URL if the operator allows its origin (SIGNUP_REDIRECTS), otherwise "".

    Whole origins are compared, so a prefix or suffix cannot fool us. `urlsplit` first removes
    characters that do not belong in a URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_allowed = f"{parts.scheme}://{parts.netloc}" in settings.SIGNUP_REDIRECTS
    return parts.geturl() if is_allowed else ""


# --- the signed time -----------------------------------------------------------------------
def opened_now(least: timedelta = _MIN_FILLING) -> str:
    """Return a signed time for a form about to be shown. `least` is the minimum time to fill it in.

    It is different for each visitor, so that a form used over and over can be recognised.
    """
    return _signer().sign(f"{least.seconds}-{secrets.token_urlsafe(9)}")


def _min_filling(opened: str) -> timedelta | None:
    """Return the minimum time for filling in this form, or None if we did not sign it."""
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
