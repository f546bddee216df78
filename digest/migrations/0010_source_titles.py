from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0009_message_ids"),
    ]

    operations = [
        migrations.AddField(
            model_name="paper",
            name="source_title",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What the source calls itself, where it has a name for this paper's list: "
                "a feed's title.",
                max_length=200,
            ),
        ),
    ]
