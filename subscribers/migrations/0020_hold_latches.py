"""Who does what only one may do at a time, in a table: a session of PostgreSQL's may be shared."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0019_find_those_not_daily"),
    ]

    operations = [
        migrations.CreateModel(
            name="Latch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lock", models.IntegerField()),
                ("place", models.IntegerField()),
                ("holder", models.UUIDField()),
                ("until", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("lock", "place"), name="one_latch_a_place")
                ],
            },
        ),
    ]
