"""Find papers by their authors: by name, and by a name that is spelled alike."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

# What somebody may call each author: by the whole name, the first and the last word of it, or
# any one word; without case and accents. It leans on no other function of ours, because an index
# is built anew (after a restore, say) where only PostgreSQL's own are in sight.
NAMES = r"""
CREATE FUNCTION digest_names(authors text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
    SELECT coalesce(array_agg(DISTINCT form), '{}')
    FROM unnest(authors) AS author, LATERAL (
        SELECT string_to_array(btrim(regexp_replace(
            regexp_replace(lower(normalize(author, NFKD)), '[\u0300-\u036f]', '', 'g'),
            '[\s.,''’‐-]+', ' ', 'g')), ' ')
    ) AS split (words), LATERAL (
        SELECT array_to_string(words, ' ')
        UNION ALL SELECT words[1] || ' ' || words[cardinality(words)] WHERE cardinality(words) > 2
        UNION ALL SELECT unnest(words)
    ) AS forms (form)
$$
"""
# PostgreSQL does not promise that array_to_string gives the same for ever; for text it does.
AUTHORS = """
CREATE FUNCTION digest_authors(authors text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT array_to_string(authors, ', ') $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0007_trial"),
    ]

    operations = [
        migrations.RunSQL(NAMES, "DROP FUNCTION digest_names(text[])"),
        migrations.RunSQL(AUTHORS, "DROP FUNCTION digest_authors(text[])"),
        migrations.AddIndex(
            model_name="paper",
            index=django.contrib.postgres.indexes.GinIndex(
                models.Func(
                    "authors",
                    function="digest_names",
                    output_field=django.contrib.postgres.fields.ArrayField(
                        models.TextField(), size=None
                    ),
                ),
                name="paper_names",
            ),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    models.Func(
                        "authors", function="digest_authors", output_field=models.TextField()
                    ),
                    name="gin_trgm_ops",
                ),
                name="paper_author_trigrams",
            ),
        ),
    ]
