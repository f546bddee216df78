"""Webhooks that nobody takes, as a trouble."""

from collections.abc import Iterator

from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from digest.desk.today.standing import Rows, Standing
from digest.desk.today.trouble import Action, Trouble
from digest.desk.words import clock


def webhooks_failing(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    for endpoint in rows.webhooks:
        why = endpoint.disabled_because
        said = {"name": endpoint.name, "why": _(why) if why else ""}
        if endpoint.failing_since:
            said["time"] = clock(endpoint.failing_since, standing.now)
        yield Trouble(
            f"webhook:{endpoint.pk}",
            _("The webhook “%(name)s” has failed since %(time)s.") % said
            if endpoint.is_on
            else _("The webhook “%(name)s” is switched off: %(why)s") % said,
            _("It is tried for three days. Its page has what was answered.")
            if endpoint.is_on
            else _("Switch it on again once its receiver is well, or delete it."),
            is_urgent=False,
            action=Action(
                reverse_lazy("admin:digest_endpoint_change", args=[endpoint.pk]),
                _("Have a look"),
                permission="digest.view_endpoint",
            ),
        )
