import django.contrib.postgres.indexes
from django.db import migrations

from subscribers.comparing import fulltext, names

BATCH = 500


def fill_words_and_names(apps, schema_editor):
    """Make the papers that are stored findable, as those that come in are."""
    papers = apps.get_model("digest", "Paper").objects
    last = 0
    while batch := list(
        papers.filter(pk__gt=last).order_by("pk").only("title", "abstract", "authors")[:BATCH]
    ):
        last = batch[-1].pk
        for paper in batch:
            paper.search = fulltext.vector(paper.title, paper.abstract)
            paper.names = names.keys_of_all(paper.authors)
        papers.bulk_update(batch, ["search", "names"])


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0021_find_papers_by_our_own_words"),
    ]

    operations = [
        migrations.RunPython(fill_words_and_names, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="paper",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="paper_search"),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=django.contrib.postgres.indexes.GinIndex(fields=["names"], name="paper_names"),
        ),
    ]
