"""Count what was there before the triggers of 0028."""

from django.db import migrations

# The locks keep the numbers from changing meanwhile; sending waits until this is done.
COUNT = """
LOCK TABLE digest_digest, subscribers_consent, digest_vote, digest_click
    IN SHARE ROW EXCLUSIVE MODE;

DELETE FROM digest_digestcount;
INSERT INTO digest_digestcount (day, edition, mail_service, state, skip_reason, number)
SELECT local_date, edition_id, mail_service, state, skip_reason, count(*)
FROM digest_digest GROUP BY 1, 2, 3, 4, 5;

DELETE FROM digest_consentcount;
INSERT INTO digest_consentcount (day, act, reason, number)
SELECT (at AT TIME ZONE 'UTC')::date, act, reason, count(*)
FROM subscribers_consent GROUP BY 1, 2, 3;

DELETE FROM digest_feedbackcount;
INSERT INTO digest_feedbackcount (day, paper, kind, number)
SELECT (at AT TIME ZONE 'UTC')::date, paper_id,
    CASE WHEN value > 0 THEN 'more' ELSE 'less' END, count(*)
FROM digest_vote WHERE origin = 'mail' GROUP BY 1, 2, 3;
INSERT INTO digest_feedbackcount (day, paper, kind, number)
SELECT (at AT TIME ZONE 'UTC')::date, paper_id, 'click', count(*)
FROM digest_click WHERE NOT is_machine GROUP BY 1, 2;

-- What came before must not count for how fast things go now.
UPDATE digest_digestcount SET at = now() - interval '1 day';
"""


class Migration(migrations.Migration):
    dependencies = [("digest", "0028_count_what_changes")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
