from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0011_split_contributions_by_paper"),
    ]

    operations = [
        migrations.AlterField(
            model_name="vote",
            name="origin",
            field=models.CharField(
                choices=[
                    ("mail", "On the page linked from a mail"),
                    ("example", "Picked as an example of what to send"),
                    ("import", "From the reader's own library"),
                ],
                default="mail",
                max_length=8,
            ),
        ),
        migrations.RunSQL(
            "UPDATE digest_vote SET origin = 'example' WHERE origin = 'seed'",
            "UPDATE digest_vote SET origin = 'seed' WHERE origin = 'example'",
        ),
    ]
