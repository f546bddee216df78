from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0004_due_order"),
    ]

    operations = [
        migrations.AlterField(
            model_name="suppression",
            name="reason",
            field=models.CharField(
                choices=[
                    ("bounced", "The address does not exist (hard bounce)"),
                    ("complained", "The reader reported our mail as spam"),
                    ("refused", "The address's owner said that the sign-up was not theirs"),
                    ("manual", "Added by an operator"),
                ],
                max_length=12,
            ),
        ),
    ]
