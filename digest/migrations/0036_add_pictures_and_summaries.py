"""Keep machines' summaries and pictures of papers, and what a candidate had of them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# As in 0024, but what a source adds besides texts says nothing new either: of summaries and
# pictures, mails show those that their edition closed with.
NOTES = """
CREATE OR REPLACE FUNCTION digest_note_changed_papers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed_at timestamptz := (SELECT max(e.closed_at) FROM digest_edition e);
    figures text[] := '{%s}';
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
"""
BEFORE = "votes,comments,search,names,features,changed_at"
AFTER = f"{BEFORE},summary,summary_by,thumbnail_url,picture"


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0035_add_catch_ups"),
    ]

    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "tried_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("problem", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Summary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("language", models.CharField(max_length=7)),
                ("text", models.CharField(blank=True, max_length=400)),
                ("model", models.CharField(max_length=120)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "asked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("is_settled", models.BooleanField(default=False)),
                ("problem", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SummaryDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("requests", models.PositiveIntegerField(default=0)),
                ("tokens", models.PositiveBigIntegerField(default=0)),
                ("wait_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="curation",
            name="hides_picture",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="curation",
            name="shows",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "A machine’s summary if there is one, else the abstract’s sentence"),
                    ("abstract", "The abstract’s sentence"),
                    ("nothing", "Nothing"),
                ],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="editionpaper",
            name="picture",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="editionpaper",
            name="sentences",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="paper",
            name="picture",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=40
            ),
        ),
        migrations.AddField(
            model_name="paper",
            name="summary",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="A machine's, as the source gives it.",
            ),
        ),
        migrations.AddField(
            model_name="paper",
            name="summary_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddField(
            model_name="paper",
            name="thumbnail_url",
            field=models.URLField(blank=True, db_default="", default="", max_length=600),
        ),
        migrations.AlterField(
            model_name="curation",
            name="act",
            field=models.CharField(
                choices=[
                    ("pin", "Pinned"),
                    ("unpin", "Not pinned any more"),
                    ("move", "Moved among the pinned"),
                    ("drop", "Dropped"),
                    ("restore", "Taken back in"),
                    ("note", "Note changed"),
                    ("summary", "Summary changed"),
                    ("picture", "Picture hidden, or shown again"),
                    ("stop", "The run was stopped"),
                    ("start", "The run was started again"),
                ],
                max_length=8,
            ),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=models.Index(
                condition=models.Q(("picture", ""), _negated=True),
                fields=["picture"],
                name="paper_picture",
            ),
        ),
        migrations.AddField(
            model_name="picture",
            name="paper",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="picture_tries",
                to="digest.paper",
            ),
        ),
        migrations.AddField(
            model_name="summary",
            name="paper",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="summaries",
                to="digest.paper",
            ),
        ),
        migrations.AddConstraint(
            model_name="summary",
            constraint=models.UniqueConstraint(
                fields=("paper", "language"), name="one_summary_a_paper_and_language"
            ),
        ),
        migrations.RunSQL(NOTES % AFTER, NOTES % BEFORE),
    ]
