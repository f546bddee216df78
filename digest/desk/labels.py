"""What Django's admin calls our models, fields, choices: in the operators' language.

Django makes these names from those in the code. They are translated here, for all models at once,
so that no model has to say anything about it; ``names`` lists them.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Field, Model
from django.utils.translation import gettext_lazy


def use(models: Iterable[type[Model]]) -> None:
    """Have the admin speak of these models in the language of whoever reads it.

    What migrations see stays as it is: a translation is equal to its English text there.
    """
    for model in models:
        meta: Any = model._meta
        for name in ("verbose_name", "verbose_name_plural"):
            setattr(meta, name, gettext_lazy(str(getattr(meta, name))))
        for field in meta.get_fields():
            if isinstance(field, Field):
                _use(field)


def _use(field: Any) -> None:
    field.verbose_name = gettext_lazy(str(field.verbose_name))
    if field.help_text:
        field.help_text = gettext_lazy(str(field.help_text))
    if field.choices:
        field.choices = [(value, gettext_lazy(str(words))) for value, words in field.choices]
