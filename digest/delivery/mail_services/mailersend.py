"""MailerSend."""

from .base import Traits

# https://developers.mailersend.com/api/v1/webhooks.html
TRAITS = Traits(name="MailerSend", soft_bounces={"type": frozenset({"activity.soft_bounced"})})
