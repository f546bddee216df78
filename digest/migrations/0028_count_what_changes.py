"""Keep small sums of large tables (see models.counts), and note each tick (models.Heartbeat)."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Of digests, no reader's and no worker's columns count, so a claim or a renewed lease adds nothing.
COUNTS = """
CREATE FUNCTION digest_count_digests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO digest_digestcount (day, edition, mail_service, state, skip_reason, number)
        SELECT local_date, edition_id, mail_service, state, skip_reason, count(*)
        FROM after GROUP BY 1, 2, 3, 4, 5;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO digest_digestcount (day, edition, mail_service, state, skip_reason, number)
        SELECT local_date, edition_id, mail_service, state, skip_reason, sum(change)
        FROM (
            SELECT local_date, edition_id, mail_service, state, skip_reason, 1 AS change FROM after
            UNION ALL
            SELECT local_date, edition_id, mail_service, state, skip_reason, -1 FROM before
        ) both_of_them GROUP BY 1, 2, 3, 4, 5 HAVING sum(change) <> 0;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO digest_digestcount (day, edition, mail_service, state, skip_reason, number)
        SELECT local_date, edition_id, mail_service, state, skip_reason, -count(*)
        FROM before GROUP BY 1, 2, 3, 4, 5;
    ELSE
        DELETE FROM digest_digestcount;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION digest_count_consents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO digest_consentcount (day, act, reason, number)
        SELECT (at AT TIME ZONE 'UTC')::date, act, reason, count(*) FROM after GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO digest_consentcount (day, act, reason, number)
        SELECT (at AT TIME ZONE 'UTC')::date, act, reason, sum(change)
        FROM (
            SELECT at, act, reason, 1 AS change FROM after
            UNION ALL SELECT at, act, reason, -1 FROM before
        ) both_of_them GROUP BY 1, 2, 3 HAVING sum(change) <> 0;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO digest_consentcount (day, act, reason, number)
        SELECT (at AT TIME ZONE 'UTC')::date, act, reason, -count(*) FROM before GROUP BY 1, 2, 3;
    ELSE
        DELETE FROM digest_consentcount;
    END IF;
    RETURN NULL;
END $$;

-- Only what readers say about papers in their mails, not what they bring along.
CREATE FUNCTION digest_count_votes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO digest_feedbackcount (day, paper, kind, number)
        SELECT (at AT TIME ZONE 'UTC')::date, paper_id,
            CASE WHEN value > 0 THEN 'more' ELSE 'less' END, count(*)
        FROM after WHERE origin = 'mail' GROUP BY 1, 2, 3;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO digest_feedbackcount (day, paper, kind, number)
        SELECT (at AT TIME ZONE 'UTC')::date, paper_id,
            CASE WHEN value > 0 THEN 'more' ELSE 'less' END, -count(*)
        FROM before WHERE origin = 'mail' GROUP BY 1, 2, 3;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM digest_feedbackcount WHERE kind <> 'click';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION digest_count_clicks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO digest_feedbackcount (day, paper, kind, number)
        SELECT (at AT TIME ZONE 'UTC')::date, paper_id, 'click', count(*)
        FROM after WHERE NOT is_machine GROUP BY 1, 2;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        INSERT INTO digest_feedbackcount (day, paper, kind, number)
        SELECT (at AT TIME ZONE 'UTC')::date, paper_id, 'click', -count(*)
        FROM before WHERE NOT is_machine GROUP BY 1, 2;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM digest_feedbackcount WHERE kind = 'click';
    END IF;
    RETURN NULL;
END $$;
"""
NO_COUNTS = """
DROP FUNCTION digest_count_digests() CASCADE;
DROP FUNCTION digest_count_consents() CASCADE;
DROP FUNCTION digest_count_votes() CASCADE;
DROP FUNCTION digest_count_clicks() CASCADE;
"""
# What is counted, and by which function. A trigger that sees the rows has one kind of statement.
COUNTED = {
    "digest_digest": "digest_count_digests",
    "subscribers_consent": "digest_count_consents",
    "digest_vote": "digest_count_votes",
    "digest_click": "digest_count_clicks",
}
SEES = {
    "insert": "REFERENCING NEW TABLE AS after",
    "update": "REFERENCING OLD TABLE AS before NEW TABLE AS after",
    "delete": "REFERENCING OLD TABLE AS before",
    "truncate": "",
}
TRIGGERS = "".join(
    f"CREATE TRIGGER digest_count_{kind} AFTER {kind.upper()} ON {table} {sees} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
    for table, function in COUNTED.items()
    for kind, sees in SEES.items()
)


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0027_quota_holds"),
        ("subscribers", "0012_learn_starter_topics"),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ConsentCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("day", models.DateField()),
                ("number", models.IntegerField()),
                ("act", models.CharField(max_length=12)),
                ("reason", models.CharField(max_length=12)),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="consent_count_of_day")],
            },
        ),
        migrations.CreateModel(
            name="DigestCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("day", models.DateField()),
                ("number", models.IntegerField()),
                ("edition", models.BigIntegerField(null=True)),
                ("mail_service", models.CharField(max_length=40)),
                ("state", models.CharField(max_length=10)),
                ("skip_reason", models.CharField(max_length=12)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["day", "at"], name="digest_count_of_day"),
                    models.Index(fields=["edition"], name="digest_count_of_edition"),
                ],
            },
        ),
        migrations.CreateModel(
            name="FeedbackCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("day", models.DateField()),
                ("number", models.IntegerField()),
                ("paper", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("more", "More like this"),
                            ("less", "Less like this"),
                            ("click", "Opened"),
                        ],
                        max_length=5,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="feedback_count_of_day")],
            },
        ),
        migrations.RunSQL(COUNTS + TRIGGERS, NO_COUNTS),
    ]
