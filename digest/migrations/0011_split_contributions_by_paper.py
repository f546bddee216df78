import django.contrib.postgres.fields
from django.db import migrations, models

# Until now the parts of all papers stood in one row, four for each paper.
SPLIT = """
UPDATE digest_digest SET contributions = (
    SELECT array_agg(contributions[at:at + 3] ORDER BY at)
    FROM generate_series(1, cardinality(contributions), 4) AS at
) WHERE cardinality(contributions) > 0 AND array_ndims(contributions) = 1
"""
JOIN = """
UPDATE digest_digest SET contributions = (
    SELECT array_agg(part) FROM unnest(contributions) AS part
) WHERE cardinality(contributions) > 0 AND array_ndims(contributions) = 2
"""


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0010_source_titles"),
    ]

    operations = [
        migrations.AlterField(
            model_name="digest",
            name="contributions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=django.contrib.postgres.fields.ArrayField(
                    base_field=models.SmallIntegerField(), size=None
                ),
                blank=True,
                db_default=[],
                size=None,
            ),
        ),
        migrations.RunSQL(SPLIT, JOIN),
    ]
