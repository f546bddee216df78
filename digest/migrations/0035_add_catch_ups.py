"""An operator's wish for another try is a row, so that a worker does it batch by batch."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0034_add_second_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatchUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("missed", "Those who did not get it"),
                            ("refused", "Those that were refused"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "edition",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="catch_ups",
                        to="digest.edition",
                    ),
                ),
                (
                    "asked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("after", models.BigIntegerField(db_default=0)),
                ("number", models.PositiveIntegerField(db_default=0)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=["kind", "edition"],
                        name="one_catch_up_of_a_kind",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
