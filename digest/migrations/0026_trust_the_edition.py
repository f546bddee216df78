import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """PostgreSQL no longer checks the edition of each row that is marked as being sent."""

    dependencies = [("digest", "0025_mend_times_of_events")]

    operations = [
        migrations.AlterField(
            model_name="digest",
            name="edition",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="digests",
                to="digest.edition",
            ),
        )
    ]
