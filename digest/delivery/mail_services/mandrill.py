"""Mandrill (Mailchimp Transactional)."""

from .base import Traits

# https://mailchimp.com/developer/transactional/docs/webhooks/
TRAITS = Traits(name="Mandrill", soft_bounces={"event": frozenset({"soft_bounce"})})
