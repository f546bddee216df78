"""anymail's webhooks, which answer 400 to what they cannot read and 404 to what is not set up.

anymail lets any error pass while it reads an event. A mail service then gets a 500 and repeats
the event for days, and anybody else fills the log. What fails after an event was read remains a
failure of ours: the service shall repeat it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from anymail import urls
from anymail.exceptions import AnymailConfigurationError, AnymailImproperlyInstalled
from anymail.webhooks.base import AnymailCoreWebhookView
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import URLPattern
from django.views.decorators.csrf import csrf_exempt

from digest.delivery.mail_services.amazon_ses import TrackingWebhook

logger = logging.getLogger(__name__)

app_name = urls.app_name
# Where a view of ours replaces anymail's.
_OURS: dict[str, type[Any]] = {"amazon_ses/tracking/": TrackingWebhook}


@contextmanager
def _refusing_the_unreadable() -> Iterator[None]:
    try:
        yield
    except (SuspiciousOperation, BadRequest, AnymailConfigurationError, AnymailImproperlyInstalled):
        raise
    except Exception as error:
        raise BadRequest(type(error).__name__) from None


class _Guarded(AnymailCoreWebhookView):  # type: ignore[misc]  # anymail has no types
    """What every webhook of ours does besides what anymail's does."""

    def run_validators(self, request: HttpRequest) -> None:
        with _refusing_the_unreadable():
            super().run_validators(request)

    def parse_events(self, request: HttpRequest) -> list[Any]:
        with _refusing_the_unreadable():
            found = list(super().parse_events(request))
        readable = [event for event in found if event is not None]
        if found and not readable:
            raise BadRequest("no event can be read")
        return readable

    def esp_to_anymail_event(self, *given: Any, **named: Any) -> Any:
        """Read one event of a batch; None if it cannot be read, which costs no other event."""
        try:
            with _refusing_the_unreadable():
                return super().esp_to_anymail_event(*given, **named)
        except BadRequest as error:
            logger.warning("An event of %s cannot be read: %s", self.esp_name, error)
            return None


def _if_set_up(view: Callable[..., HttpResponse], name: str) -> Callable[..., HttpResponse]:
    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *given: str, **named: str) -> HttpResponse:
        try:
            return view(request, *given, **named)
        except (AnymailConfigurationError, AnymailImproperlyInstalled) as error:
            logger.warning("The webhook %s is not set up: %s", name, type(error).__name__)
            return HttpResponseNotFound()

    return answered


def _pattern(given: URLPattern) -> URLPattern:
    theirs: type[Any] = given.callback.view_class  # type: ignore[attr-defined]
    view_class = _OURS.get(str(given.pattern), theirs)
    guarded = type(view_class.__name__, (_Guarded, view_class), {})
    view = guarded.as_view(**given.callback.view_initkwargs)  # type: ignore[attr-defined]
    name = given.name or ""
    return URLPattern(given.pattern, _if_set_up(view, name), given.default_args, name)


urlpatterns = [_pattern(given) for given in urls.urlpatterns]
