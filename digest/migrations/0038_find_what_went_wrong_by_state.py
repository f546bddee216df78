"""The newest digests of a state that went wrong, however many of the other states there are.

Nobody waits for this, however large the table is.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("digest", "0037_keep_saved_papers"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="digest",
            index=models.Index(
                fields=["state", "handed_over_at"],
                name="digest_went_wrong",
                condition=models.Q(
                    ("state__in", ["failed", "bounced", "complained", "uncertain", "assumed"])
                ),
            ),
        ),
        RemoveIndexConcurrently(model_name="digest", name="digest_gone_wrong"),
    ]
