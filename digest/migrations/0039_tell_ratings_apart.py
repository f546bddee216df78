"""Ratings that readers gave when asked are told apart from votes on a digest's papers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("digest", "0038_find_what_went_wrong_by_state")]

    operations = [
        migrations.AlterField(
            model_name="vote",
            name="origin",
            field=models.CharField(
                choices=[
                    ("mail", "On the page linked from a mail"),
                    ("example", "Picked as an example of what to send"),
                    ("import", "From the reader's own library"),
                    ("rating", "On the page that asks which papers to read first"),
                ],
                default="mail",
                max_length=8,
            ),
        ),
    ]
