"""Find papers by tokens of our own: see subscribers.comparing.fulltext and names."""

from importlib import import_module

import django.contrib.postgres.fields
from django.db import migrations, models

import digest.models.paper

_names = import_module("digest.migrations.0008_names")


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0020_name_all_versions_alike"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="paper", name="paper_search"),
        migrations.RemoveIndex(model_name="paper", name="paper_names"),
        migrations.RunSQL("DROP FUNCTION digest_names(text[])", _names.NAMES),
        migrations.RemoveField(model_name="paper", name="search"),
        migrations.AddField(
            model_name="paper",
            name="search",
            field=digest.models.paper.WordsField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="paper",
            name="names",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                db_default=[],
                default=list,
                editable=False,
                size=None,
            ),
        ),
    ]
