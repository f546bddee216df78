"""Links that have expired are deleted in small batches. Nobody waits for this."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("subscribers", "0020_hold_latches"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="link",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)),
                fields=["expires_at"],
                name="link_expires",
            ),
        ),
    ]
