from django.db import migrations, models


def mark_counted(apps, schema_editor):
    """Letters that were tried before have been counted."""
    Letter = apps.get_model("subscribers", "Letter")
    Letter.objects.filter(attempts__gt=0).update(is_counted=True)


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0008_bind_links")]

    operations = [
        migrations.AddField(
            model_name="letter",
            name="doubts",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="letter",
            name="is_counted",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunPython(mark_counted, migrations.RunPython.noop, elidable=True),
    ]
