import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0015_add_local_dates"),
    ]

    operations = [
        migrations.AlterField(model_name="digest", name="local_date", field=models.DateField()),
        migrations.RemoveConstraint(model_name="digest", name="one_digest_a_reader_and_edition"),
        migrations.AddConstraint(
            model_name="digest",
            constraint=models.UniqueConstraint(
                fields=("subscriber", "local_date"), name="one_digest_a_reader_and_date"
            ),
        ),
        migrations.AlterField(
            model_name="digest",
            name="edition",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="digests",
                to="digest.edition",
            ),
        ),
        migrations.AlterField(
            model_name="digest",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("pending", "Not confirmed"),
                    ("unsubscribed", "Unsubscribed"),
                    ("suppressed", "The address is suppressed"),
                    ("paused", "Paused by the reader"),
                    ("erased", "Erased"),
                    ("thin", "Too few papers; they wait for the next digest"),
                    ("nothing_new", "Every paper was in an earlier digest"),
                    ("no_match", "No paper on the reader's topics"),
                    ("no_edition", "No new edition had closed"),
                    ("superseded", "The next day's digest took its place"),
                    ("late", "Too late; the papers wait for the next digest"),
                ],
                db_default="",
                max_length=12,
            ),
        ),
    ]
