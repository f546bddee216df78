from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0042_know_a_restored_database"),
    ]

    operations = [
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
                    ("held", "The day's edition was held"),
                    ("stopped", "An operator stopped the run"),
                    ("superseded", "The next day's digest took its place"),
                    ("unlisted", "Not in MAIL_ONLY_TO: this installation sends to nobody else"),
                    ("late", "Too late; the papers wait for the next digest"),
                ],
                db_default="",
                max_length=12,
            ),
        ),
    ]
