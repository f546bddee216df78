from django.db import migrations

from digest.sources.text import ABSTRACT_LENGTH, TITLE_LENGTH, presentable, title_key

BATCH = 500


def make_texts_presentable(apps, schema_editor):
    """Convert titles and abstracts that were stored with LaTeX, as intake does from now on."""
    papers = apps.get_model("digest", "Paper").objects
    last = 0
    while batch := list(
        papers.filter(pk__gt=last).order_by("pk").only("title", "abstract", "title_key")[:BATCH]
    ):
        last = batch[-1].pk
        changed = [paper for paper in batch if _is_changed(paper)]
        papers.bulk_update(changed, ["title", "abstract", "title_key", "features"])


def _is_changed(paper):
    before = (paper.title, paper.abstract, paper.title_key)
    paper.title = presentable(paper.title, TITLE_LENGTH)
    paper.abstract = presentable(paper.abstract, ABSTRACT_LENGTH)
    paper.title_key = title_key(paper.title)
    paper.features = None  # made again from the new texts when they are needed
    return before != (paper.title, paper.abstract, paper.title_key)


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0012_rename_seeds_to_examples"),
    ]

    operations = [
        migrations.RunPython(make_texts_presentable, migrations.RunPython.noop),
    ]
