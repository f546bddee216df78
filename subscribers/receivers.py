"""Signals from other packages. Each receiver makes one call."""

from typing import Any

from anymail.signals import AnymailInboundEvent, inbound
from django.dispatch import receiver
from django.utils import timezone

from .leaving import unsubscribe


@receiver(inbound)
def unsubscribe_by_mail(event: AnymailInboundEvent, **_: Any) -> None:
    unsubscribe.by_mail(event.message, timezone.now())
