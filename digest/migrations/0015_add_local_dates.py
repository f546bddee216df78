from django.db import migrations, models

# A digest's local date is the day on which it was due, by the clock of where its reader lives now.
FILL = """
UPDATE digest_digest d SET local_date = (d.due_at AT TIME ZONE 'UTC')::date;
UPDATE digest_digest d SET local_date = (d.due_at AT TIME ZONE z.name)::date
FROM subscribers_subscriber s JOIN pg_timezone_names z ON z.name = s.zone
WHERE s.id = d.subscriber_id;
"""
# Two digests of one reader could fall on the same date, as they were unique to the edition. The
# newest keeps the date, and the others move to the nearest free days before it.
PART = """
DO $$
BEGIN
    LOOP
        UPDATE digest_digest d SET local_date = d.local_date - 1
        WHERE d.subscriber_id IS NOT NULL AND EXISTS (
            SELECT FROM digest_digest newer
            WHERE newer.subscriber_id = d.subscriber_id AND newer.local_date = d.local_date
                AND newer.id > d.id
        );
        EXIT WHEN NOT FOUND;
    END LOOP;
END $$
"""
# What readers were last sent must not come again on the same date.
LAST = """
UPDATE subscribers_subscriber s SET last_due_on = d.last
FROM (
    SELECT subscriber_id, max(local_date) AS last FROM digest_digest
    WHERE subscriber_id IS NOT NULL GROUP BY subscriber_id
) d
WHERE d.subscriber_id = s.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0014_plain_words"),
        ("subscribers", "0007_local_dates"),
    ]

    operations = [
        migrations.AddField(
            model_name="digest", name="local_date", field=models.DateField(null=True)
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(PART, migrations.RunSQL.noop),
        migrations.RunSQL(LAST, migrations.RunSQL.noop),
    ]
