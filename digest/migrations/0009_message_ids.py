from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0008_names"),
    ]

    operations = [
        migrations.RenameField("digest", "provider_id", "message_id"),
        migrations.RenameField("event", "provider_id", "message_id"),
    ]
