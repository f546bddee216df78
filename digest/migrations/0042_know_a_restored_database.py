import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("digest", "0041_add_invitations")]

    operations = [
        migrations.AddField(
            model_name="lastsending",
            name="place",
            field=models.CharField(db_default="", default="", max_length=80),
        ),
        migrations.CreateModel(
            name="Backup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=Now())),
                ("name", models.CharField(max_length=200)),
                ("keys", models.CharField(max_length=64)),
                ("finished_at", models.DateTimeField(null=True)),
                ("size", models.BigIntegerField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Restoration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("known_until", models.DateTimeField(null=True)),
                ("sent_until", models.DateTimeField(null=True)),
                ("found_at", models.DateTimeField(db_default=Now())),
                ("said_until", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("assumed", models.PositiveIntegerField(db_default=0)),
                ("asked", models.PositiveIntegerField(db_default=0)),
                ("signed_off", models.JSONField(db_default={}, default=dict)),
                (
                    "hold",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="restoration",
                        to="digest.hold",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
