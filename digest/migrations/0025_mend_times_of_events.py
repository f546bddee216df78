from django.db import migrations


class Migration(migrations.Migration):
    """Times that mail services cannot have meant. Python cannot read those after the year 9999."""

    dependencies = [("digest", "0024_note_changes")]

    operations = [
        migrations.RunSQL(
            "UPDATE digest_event SET at = received_at"
            " WHERE at > received_at + interval '1 day' OR at < '2000-01-01'",
            migrations.RunSQL.noop,
            elidable=True,
        )
    ]
