from django.db import migrations, models

# The planner works the date out itself for a reader whose zone PostgreSQL does not know.
FILL = """
UPDATE subscribers_subscriber s
SET next_due_on = (s.next_due_at AT TIME ZONE s.zone)::date
FROM pg_timezone_names z
WHERE z.name = s.zone AND s.next_due_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0006_plain_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="next_due_on",
            field=models.DateField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="last_due_on",
            field=models.DateField(blank=True, editable=False, null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
