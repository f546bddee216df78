"""The newest papers of a source, and those with code, however few of all papers they are.

Nobody waits for this, however large the table is.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("digest", "0039_tell_ratings_apart"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="paper",
            index=models.Index(fields=["first_source", "-id"], name="paper_source"),
        ),
        AddIndexConcurrently(
            model_name="paper",
            index=models.Index(
                fields=["-id"], condition=models.Q(("code_url__gt", "")), name="paper_code"
            ),
        ),
    ]
