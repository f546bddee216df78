"""Lists of readers by how often their digest comes. Nobody waits for this."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("subscribers", "0018_link_to_saved_papers"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(("frequency", "daily"), _negated=True),
                fields=["frequency", "id"],
                name="subscriber_not_daily",
            ),
        ),
    ]
