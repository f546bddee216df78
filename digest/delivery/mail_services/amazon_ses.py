"""Amazon SES: errors come as codes of the AWS API, without an HTTP status."""

import re
from collections.abc import Mapping
from typing import Any

import requests
from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks import amazon_ses as webhooks

from digest.delivery.outcomes import Meaning

from .base import Traits
from .bounces import Bounces

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors and
# .../CommonErrors.html ("MessageRejected" and "BadRequestException" can be about anything)
_REFUSALS = {
    "TooManyRequestsException": Meaning.US_FOR_NOW,
    "LimitExceededException": Meaning.US_FOR_NOW,
    "Throttling": Meaning.US_FOR_NOW,
    "ThrottlingException": Meaning.US_FOR_NOW,
    "AccountSuspendedException": Meaning.US,
    "SendingPausedException": Meaning.US,
    "MailFromDomainNotVerifiedException": Meaning.US,
    "ConfigurationSetDoesNotExist": Meaning.US,
    "NotFoundException": Meaning.US,
    "AccessDenied": Meaning.US,
    "AccessDeniedException": Meaning.US,
    "UnrecognizedClientException": Meaning.US,
    "InvalidClientTokenId": Meaning.US,
    "SignatureDoesNotMatch": Meaning.US,
    "IncompleteSignature": Meaning.US,
    "ExpiredToken": Meaning.US,
    "ExpiredTokenException": Meaning.US,
    "OptInRequired": Meaning.US,
}

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
# An address on the account's own suppression list may be there for any reason.
_BOUNCES = Bounces(
    hard=[
        {
            "bounce.bounceType": {"Permanent"},
            "bounce.bounceSubType": {"General", "NoEmail", "Suppressed"},
        }
    ],
    blocks=[
        {"bounce.bounceSubType": {"ContentRejected", "AttachmentRejected"}},
        {"bounce.bounceSubType": {"OnAccountSuppressionList"}},
    ],
)

TRAITS = Traits(name="Amazon SES", refusals=_REFUSALS, bounces=_BOUNCES)


# --- the webhook ---------------------------------------------------------------------------
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
_SNS = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/\S*", re.ASCII)


class TrackingWebhook(webhooks.AmazonSESTrackingWebhookView):  # type: ignore[misc]  # no types
    """anymail's webhook, without boto3: SES by SMTP needs nothing of AWS but its events."""

    def __init__(self, **kwargs: Any) -> None:
        self.auto_confirm_enabled = True
        # Only what anymail's own constructor adds needs boto3.
        super(webhooks.AmazonSESBaseWebhookView, self).__init__(**kwargs)

    def auto_confirm_sns_subscription(self, sns_message: Mapping[str, Any]) -> None:
        """Accept a subscription by its link. Whoever asks has shown our secret by now."""
        link = str(sns_message.get("SubscribeURL"))
        if not _SNS.fullmatch(link):
            raise AnymailWebhookValidationFailure("That is no link of Amazon SNS.")
        requests.get(link, timeout=10, allow_redirects=False).raise_for_status()
