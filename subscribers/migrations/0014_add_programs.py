"""Other programs may unsubscribe a reader, and list readers by their state."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0013_add_imports"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="act",
            field=models.CharField(
                choices=[
                    ("asked", "Asked for digests"),
                    ("confirmed", "Confirmed by the link in the mail"),
                    ("unsubscribed", "Unsubscribed on the page"),
                    ("one_click", "Unsubscribed with one click in the mail program"),
                    ("by_mail", "Unsubscribed by sending a mail"),
                    ("by_program", "Was unsubscribed by another program"),
                    ("resumed", "Undid the unsubscription"),
                    ("changed", "Confirmed a new address"),
                    ("refused", "Said that somebody else had signed up"),
                    ("erased", "Had their data erased"),
                    ("complained", "Reported a mail as spam"),
                    ("imported", "Had subscribed with another system"),
                    ("left_before", "Had left another system"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(("state", "active"), _negated=True),
                fields=["state", "id"],
                name="subscriber_not_active",
            ),
        ),
    ]
