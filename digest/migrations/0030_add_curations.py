"""What operators make of papers and editions, noted for what processes keep (see models.Change)."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

NOTE = """
CREATE TRIGGER digest_note_change AFTER INSERT OR UPDATE OR DELETE ON digest_curation
    FOR EACH STATEMENT EXECUTE FUNCTION digest_note_change();
"""
NO_NOTE = "DROP TRIGGER digest_note_change ON digest_curation"


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0029_count_what_is_there"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="edition",
            options={
                "ordering": ["-date"],
                "permissions": [
                    ("run_edition", "Can close, send, pause and stop an edition"),
                    ("preview_edition", "Can preview a digest as any reader"),
                    ("test_edition", "Can send test mails"),
                ],
            },
        ),
        migrations.AddField(
            model_name="digest",
            name="revision",
            field=models.BigIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name="edition",
            name="approved_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="edition",
            name="held_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="edition",
            name="hold_reason",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
        migrations.AddField(
            model_name="edition",
            name="hold_rule",
            field=models.CharField(
                blank=True,
                choices=[
                    ("operator", "Held by an operator"),
                    ("thin", "Thin: too few papers"),
                    ("stale", "Stale: no good look at any source"),
                ],
                db_default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="edition",
            name="stopped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="digest",
            name="skip_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("pending", "Not confirmed"),
                    ("unsubscribed", "Unsubscribed"),
                    ("suppressed", "The address is suppressed"),
                    ("paused", "Paused by the reader"),
                    ("erased", "Erased"),
                    ("thin", "Too few papers; they wait for the next digest"),
                    ("nothing_new", "Every paper was in an earlier digest"),
                    ("no_match", "No paper on the reader's topics"),
                    ("no_edition", "No new edition had closed"),
                    ("held", "The day's edition was held"),
                    ("stopped", "An operator stopped the run"),
                    ("superseded", "The next day's digest took its place"),
                    ("late", "Too late; the papers wait for the next digest"),
                ],
                db_default="",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="paper",
            name="set_aside",
            field=models.CharField(
                blank=True,
                choices=[
                    ("old", "It was old when it was first seen"),
                    ("withdrawn", "It was withdrawn"),
                    ("dropped", "An operator dropped it"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Curation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("pin", "Pinned"),
                            ("unpin", "Not pinned any more"),
                            ("move", "Moved among the pinned"),
                            ("drop", "Dropped"),
                            ("restore", "Taken back in"),
                            ("note", "Note changed"),
                            ("summary", "Summary changed"),
                            ("stop", "The run was stopped"),
                            ("start", "The run was started again"),
                        ],
                        max_length=8,
                    ),
                ),
                ("pin", models.PositiveSmallIntegerField(null=True)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("summary", models.CharField(blank=True, max_length=600)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "edition",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="curations",
                        to="digest.edition",
                    ),
                ),
                (
                    "paper",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="curations",
                        to="digest.paper",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.RunSQL(NOTE, NO_NOTE),
    ]
