"""Keys for other people's programs, and webhooks that tell them what happens.

Triggers note what is stored, whoever stores it, in the transaction that does.
"""

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

NOTE = """
CREATE FUNCTION digest_note(said text, subscriber bigint, body jsonb, happened timestamptz, one_of text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    noted bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM digest_endpoint WHERE is_on AND said = ANY(kinds)) THEN
        RETURN;
    END IF;
    INSERT INTO digest_notice (kind, at, subscriber_id, data, once)
    VALUES (said, happened, subscriber, body, one_of)
    ON CONFLICT (once) DO NOTHING RETURNING id INTO noted;
    INSERT INTO digest_call (notice_id, endpoint_id)
    SELECT noted, id FROM digest_endpoint
    WHERE is_on AND said = ANY(kinds) AND noted IS NOT NULL;
END $$;

CREATE FUNCTION digest_note_consents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM digest_endpoint WHERE is_on) THEN
        PERFORM digest_note(
            CASE act WHEN 'confirmed' THEN 'subscriber.confirmed'
                WHEN 'resumed' THEN 'subscriber.resumed'
                WHEN 'erased' THEN 'subscriber.erased'
                ELSE 'subscriber.unsubscribed' END,
            subscriber_id, jsonb_build_object('subscriber', subscriber_id, 'how', act), at, NULL
        )
        FROM after
        WHERE subscriber_id IS NOT NULL AND act IN (
            'confirmed', 'resumed', 'erased', 'unsubscribed', 'one_click', 'by_mail', 'by_program',
            'refused', 'complained'
        )
        ORDER BY id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER digest_note_insert AFTER INSERT ON subscribers_consent
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION digest_note_consents();

-- What a file of another system brought is no news.
CREATE FUNCTION digest_note_suppressions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM digest_endpoint WHERE is_on) THEN
        PERFORM digest_note(
            'subscriber.suppressed', s.id,
            jsonb_build_object('subscriber', s.id, 'reason', after.reason), after.created_at, NULL
        )
        FROM after LEFT JOIN subscribers_subscriber s USING (address_hash)
        WHERE after.imported_with_id IS NULL ORDER BY after.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER digest_note_insert AFTER INSERT ON subscribers_suppression
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION digest_note_suppressions();

CREATE FUNCTION digest_note_editions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM digest_note(
        'edition.closed', NULL,
        jsonb_build_object('edition', NEW.date, 'papers', (
            SELECT count(*) FROM digest_editionpaper WHERE edition_id = NEW.id
        )),
        NEW.closed_at, NULL
    );
    RETURN NULL;
END $$;
CREATE TRIGGER digest_note_closed AFTER UPDATE OF closed_at ON digest_edition FOR EACH ROW
    WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL)
    EXECUTE FUNCTION digest_note_editions();

CREATE FUNCTION digest_note_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM digest_note(
        CASE TG_OP WHEN 'INSERT' THEN 'hold.placed' ELSE 'hold.released' END, NULL,
        jsonb_build_object(
            'hold', NEW.id, 'mail_service', NEW.mail_service, 'reason', NEW.reason,
            'until', NEW.until
        ),
        coalesce(NEW.released_at, NEW.created_at), NULL
    );
    RETURN NULL;
END $$;
CREATE TRIGGER digest_note_placed AFTER INSERT ON digest_hold FOR EACH ROW
    EXECUTE FUNCTION digest_note_holds();
CREATE TRIGGER digest_note_released AFTER UPDATE OF released_at ON digest_hold FOR EACH ROW
    WHEN (OLD.released_at IS NULL AND NEW.released_at IS NOT NULL)
    EXECUTE FUNCTION digest_note_holds();
"""
NO_NOTE = """
DROP FUNCTION digest_note_consents() CASCADE;
DROP FUNCTION digest_note_suppressions() CASCADE;
DROP FUNCTION digest_note_editions() CASCADE;
DROP FUNCTION digest_note_holds() CASCADE;
DROP FUNCTION digest_note(text, bigint, jsonb, timestamptz, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0032_add_audit"),
        ("subscribers", "0014_add_programs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "next_attempt_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "webhook call",
                "verbose_name_plural": "webhook calls",
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="Which program listens there.", max_length=60)),
                ("url", models.URLField(help_text="It must begin with https://.", max_length=500)),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("subscriber.confirmed", "somebody confirmed their sign-up"),
                                ("subscriber.resumed", "somebody undid their unsubscription"),
                                ("subscriber.unsubscribed", "somebody unsubscribed, or was"),
                                ("subscriber.suppressed", "an address was suppressed"),
                                ("subscriber.erased", "somebody had their data erased"),
                                ("digest.bounced", "a digest bounced"),
                                ("digest.complained", "a digest was reported as spam"),
                                ("edition.closed", "an edition closed"),
                                (
                                    "edition.run_finished",
                                    "the last digest of an edition is settled",
                                ),
                                ("hold.placed", "sending was held"),
                                ("hold.released", "a hold was released"),
                            ],
                            max_length=24,
                        ),
                        size=None,
                        verbose_name="events",
                    ),
                ),
                (
                    "includes_addresses",
                    models.BooleanField(
                        default=False,
                        help_text="Send the reader’s mail address along. Without this it gets numbers only.",
                    ),
                ),
                (
                    "is_on",
                    models.BooleanField(default=True, help_text="Uncheck to tell it nothing more."),
                ),
                ("salt", models.CharField(editable=False, max_length=43)),
                ("former_salt", models.CharField(blank=True, editable=False, max_length=43)),
                ("former_until", models.DateTimeField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("wait_until", models.DateTimeField(editable=False, null=True)),
                ("succeeded_at", models.DateTimeField(editable=False, null=True)),
                ("disabled_because", models.CharField(blank=True, editable=False, max_length=200)),
            ],
            options={
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uuid",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        editable=False,
                        unique=True,
                    ),
                ),
                ("kind", models.CharField(max_length=24)),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), db_index=True
                    ),
                ),
                ("subscriber_id", models.BigIntegerField(null=True)),
                ("data", models.JSONField(default=dict)),
                ("once", models.CharField(max_length=60, null=True, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("milliseconds", models.PositiveIntegerField()),
                ("answer", models.CharField(blank=True, max_length=500)),
                ("error", models.CharField(blank=True, max_length=200)),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to="digest.call",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="call",
            name="endpoint",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calls",
                to="digest.endpoint",
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="notice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calls",
                to="digest.notice",
            ),
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="Which program uses it, and where.", max_length=60),
                ),
                ("key_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("hint", models.CharField(editable=False, max_length=12)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("read:subscribers", "see readers and their preferences"),
                                ("read:addresses", "see and search whole mail addresses"),
                                (
                                    "write:subscribers",
                                    "sign up, change, unsubscribe, suppress, erase",
                                ),
                                ("read:topics", "see topics"),
                                ("write:topics", "create and change topics"),
                                ("read:editions", "see editions, their papers and figures"),
                                ("read:digests", "see what became of digests"),
                                ("read:events", "see what the mail services reported"),
                            ],
                            max_length=20,
                        ),
                        size=None,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Leave empty for a token that does not expire.",
                        null=True,
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
            },
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("delivered_at", None), ("given_up_at", None)),
                fields=["endpoint", "id"],
                name="call_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(
                fields=("notice", "endpoint"), name="one_call_an_endpoint"
            ),
        ),
        migrations.RunSQL(NOTE, NO_NOTE),
    ]
