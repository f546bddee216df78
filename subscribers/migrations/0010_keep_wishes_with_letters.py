from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0009_count_doubts_of_letters")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="wishes",
            field=models.JSONField(blank=True, editable=False, null=True),
        )
        for name in ("letter", "link")
    ]
