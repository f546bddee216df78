"""Signals of others that we listen to."""

from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking
from django.dispatch import receiver

from .delivery import events


@receiver(tracking)
def record_event(event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    events.record(event, esp_name)
