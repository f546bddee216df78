"""Files that operators upload to import them, and one index fewer for each consent."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0016_offer_pictures"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.UUIDField(unique=True)),
                ("name", models.CharField(max_length=200)),
                ("size", models.BigIntegerField(help_text="In bytes.")),
                ("by", models.CharField(max_length=150)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploading", "Being uploaded"),
                            ("ready", "Waiting to be checked"),
                            ("checking", "Being checked"),
                            ("checked", "Checked"),
                            ("importing", "Being imported"),
                            ("done", "Imported"),
                            ("failed", "It cannot be imported"),
                        ],
                        db_default="uploading",
                        max_length=10,
                    ),
                ),
                ("problem", models.CharField(blank=True, db_default="", max_length=500)),
                ("header", models.JSONField(default=list, help_text="The names of its columns.")),
                (
                    "options",
                    models.JSONField(default=dict, help_text="What the operator says about it."),
                ),
                (
                    "counts",
                    models.JSONField(default=dict, help_text="How many rows by their outcome."),
                ),
                (
                    "done",
                    models.FloatField(
                        db_default=0, help_text="How much of the work is done, 0 to 1."
                    ),
                ),
                ("version", models.PositiveIntegerField(db_default=0)),
                (
                    "imported",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="subscribers.import",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ImportPiece",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="subscribers.importfile",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="subscribers.importfile",
                    ),
                ),
                ("number", models.IntegerField()),
                ("judgement", models.CharField(max_length=20)),
                ("says", models.CharField(blank=True, max_length=20)),
                ("note", models.TextField(blank=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AlterModelOptions(
            name="import",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("import_readers", "Can import readers, and undo an import"),
                    ("export_readers", "Can export all readers"),
                ],
            },
        ),
        migrations.AddField(
            model_name="import",
            name="undo_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="consent",
            name="address_hash",
            field=models.CharField(max_length=64),
        ),
        migrations.AlterField(
            model_name="consent",
            name="imported_with",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="subscribers.import",
            ),
        ),
        migrations.AddIndex(
            model_name="consent",
            index=models.Index(fields=["address_hash"], name="consent_of_address"),
        ),
        migrations.AddConstraint(
            model_name="importpiece",
            constraint=models.UniqueConstraint(
                fields=("file", "number"), name="one_piece_of_a_number"
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(fields=["file", "number"], name="import_row_by_number"),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                fields=["file", "judgement", "number"], name="import_row_by_outcome"
            ),
        ),
    ]
