"""Every list of the admin takes any value in any of its filters, and in the address of a row."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client

from subscribers.models import Consent, Suppression
from tests.factories import make_reader
from tests.fuzz.nasty import FEW, IS_LONG, VALUES, escaped

pytestmark = pytest.mark.django_db

admin.autodiscover()


def filters_of(shown: admin.ModelAdmin[Any]) -> list[str]:
    """The parameters of a list's address, known and unknown."""
    names = ["q", "p", "o", "all", "e", "_to_field", "_popup", "id", "pk__in", "doubt"]
    if shown.date_hierarchy:
        names += [f"{shown.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte")]
    for entry in shown.get_list_filter(HttpRequest()):
        field = entry[0] if isinstance(entry, tuple) else entry
        if isinstance(field, str):
            ends = ("__exact", "__id__exact", "__gte", "__isnull", "__in", "__isempty")
            names += [f"{field}{end}" for end in ends]
    return names


def list_number(model: type[Model]) -> int:
    return list(admin.site._registry).index(model)


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
def test_no_value_in_a_filter_makes_a_list_of_the_admin_fail(
    admin_client: Client, model: type[Model]
) -> None:
    make_reader()
    Consent.objects.create(address_hash="0" * 64, act=Consent.Act.ASKED)
    Suppression.objects.create(address_hash="0" * 64, reason=Suppression.Reason.MANUAL)
    admin_client.raise_request_exception = False
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    found: dict[str, int] = {}

    for number, name in enumerate(filters_of(admin.site._registry[model]), list_number(model)):
        values = VALUES if name in {"q", "p"} else FEW
        # In the short form a third for each: every value meets every field with some ending, and
        # the search of some lists.
        for value in values if IS_LONG else values[number % 3 :: 3]:
            query = f"{name}={escaped(value)}"
            found[query] = admin_client.get(path, QUERY_STRING=query).status_code
    for value in FEW:
        page = f"{escaped(value)}/change/"
        found[page] = admin_client.get(path + page).status_code

    assert {key: status for key, status in found.items() if status >= 500} == {}
