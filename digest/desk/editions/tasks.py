"""The desk's task. It carries no work: the rows say which forecasts are wanted."""

from celery import shared_task

from . import forecasts


@shared_task(name="digest.forecast")
def forecast() -> None:
    forecasts.make_all()
