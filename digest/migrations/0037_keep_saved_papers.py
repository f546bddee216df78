"""Papers that readers save, and a paper's page of its own as its source names it."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0036_add_pictures_and_summaries"),
        ("subscribers", "0018_link_to_saved_papers"),
    ]

    operations = [
        migrations.AddField(
            model_name="paper",
            name="project_url",
            field=models.URLField(blank=True, db_default="", default="", max_length=600),
        ),
        migrations.CreateModel(
            name="Saved",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=2000)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "paper",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="digest.paper",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=["subscriber", "paper"], name="one_saved_a_paper"
                    )
                ],
            },
        ),
    ]
