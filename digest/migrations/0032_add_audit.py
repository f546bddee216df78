"""What operators did, in rows that the database refuses to change or delete."""

import django.db.models.functions.datetime
from django.db import migrations, models

REFUSE = """
CREATE FUNCTION digest_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are only ever added', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER digest_refuse_change BEFORE UPDATE OR DELETE ON digest_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION digest_refuse_change();
"""
ALLOW = """
DROP TRIGGER digest_refuse_change ON digest_auditentry;
DROP FUNCTION digest_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("digest", "0031_add_forecasts")]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
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
                ("by_id", models.BigIntegerField(help_text="The operator's number.", null=True)),
                (
                    "by_name",
                    models.CharField(
                        blank=True, help_text="Their name at that time.", max_length=150
                    ),
                ),
                (
                    "via",
                    models.CharField(
                        choices=[
                            ("page", "the admin"),
                            ("api", "the API"),
                            ("command", "manage.py"),
                        ],
                        db_default="page",
                        max_length=8,
                    ),
                ),
                (
                    "network",
                    models.CharField(blank=True, help_text="Not the whole address.", max_length=50),
                ),
                (
                    "act",
                    models.CharField(
                        help_text="A noun and a verb, such as hold.release.", max_length=60
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True, help_text="Of the object: digest.paper.", max_length=40
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        blank=True, help_text="The object's number or name.", max_length=60
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("done", "done"),
                            ("same", "nothing changed"),
                            ("refused", "refused"),
                            ("failed", "failed"),
                        ],
                        db_default="done",
                        max_length=8,
                    ),
                ),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name": "act of an operator",
                "verbose_name_plural": "acts of operators",
                "permissions": [("view_audit_networks", "Can see from where operators acted")],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["by_id", "id"], name="audit_by_person"),
                    models.Index(fields=["act", "id"], name="audit_by_act"),
                    models.Index(fields=["kind", "key", "id"], name="audit_by_object"),
                    models.Index(fields=["at"], name="audit_by_time"),
                ],
            },
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
