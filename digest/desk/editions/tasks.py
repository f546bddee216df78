"""The desk's tasks. They carry no work: the rows say what is wanted."""

import time

from celery import shared_task

from digest import tasks

from . import catching_up, forecasts


@shared_task(name="digest.forecast")
def forecast() -> None:
    forecasts.make_all()


@shared_task(name=tasks.CATCH_UP)
def catch_up() -> None:
    """Go on with what operators want to have tried again. The senders begin meanwhile."""
    began = time.monotonic()
    while is_more := catching_up.go_on():
        tasks.start_at_once()
        if time.monotonic() - began > tasks.SEND_SECONDS:
            break
    if is_more:
        catch_up.delay()
