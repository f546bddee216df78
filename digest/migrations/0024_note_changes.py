"""Note what changes of the things that processes keep in memory (see models.Change)."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Of papers, only what a closed edition is made from counts: those that came in later are in none.
# Votes and what search uses are not kept. Features that were missing and are added say nothing new.
NOTES = """
CREATE FUNCTION digest_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO digest_change DEFAULT VALUES;
    RETURN NULL;
END $$;

CREATE FUNCTION digest_note_new_papers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM after WHERE first_seen_at <= (SELECT max(closed_at) FROM digest_edition)
    ) THEN
        INSERT INTO digest_change DEFAULT VALUES;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION digest_note_changed_papers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed_at timestamptz := (SELECT max(e.closed_at) FROM digest_edition e);
    figures text[] := '{votes,comments,search,names,features,changed_at}';
BEGIN
    IF EXISTS (
        SELECT FROM before JOIN after USING (id)
        WHERE least(before.first_seen_at, after.first_seen_at) <= closed_at AND (
            before.features IS DISTINCT FROM after.features AND before.features IS NOT NULL
            OR to_jsonb(before) - figures <> to_jsonb(after) - figures
        )
    ) THEN
        INSERT INTO digest_change DEFAULT VALUES;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER digest_note_change AFTER INSERT OR UPDATE OR DELETE ON digest_edition
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_change();
CREATE TRIGGER digest_note_change AFTER INSERT OR UPDATE OR DELETE ON digest_editionpaper
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_change();
CREATE TRIGGER digest_note_change AFTER INSERT OR UPDATE OR DELETE ON subscribers_topic
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_change();
CREATE TRIGGER digest_note_deleted AFTER DELETE ON digest_paper
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_change();
CREATE TRIGGER digest_note_new AFTER INSERT ON digest_paper
    REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_new_papers();
CREATE TRIGGER digest_note_changed AFTER UPDATE ON digest_paper
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_changed_papers();
"""
NO_NOTES = """
DROP TRIGGER digest_note_change ON digest_edition;
DROP TRIGGER digest_note_change ON digest_editionpaper;
DROP TRIGGER digest_note_change ON subscribers_topic;
DROP TRIGGER digest_note_deleted ON digest_paper;
DROP TRIGGER digest_note_new ON digest_paper;
DROP TRIGGER digest_note_changed ON digest_paper;
DROP FUNCTION digest_note_change();
DROP FUNCTION digest_note_new_papers();
DROP FUNCTION digest_note_changed_papers();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0023_forget_those_erased"),
        ("subscribers", "0007_local_dates"),
    ]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.RunSQL(NOTES, NO_NOTES),
    ]
