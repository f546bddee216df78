from django.db import migrations

from digest.sources.keys import names, url_key

BATCH = 500


def name_all_versions_alike(apps, schema_editor):
    """Give papers the keys that they would get today: without the version of a preprint, and
    without what an address says of where its reader came from.

    If two papers would get one key, the first has it, and the other keeps its own.
    """
    papers = apps.get_model("digest", "Paper").objects
    others = apps.get_model("digest", "PaperKey").objects
    last = 0
    while batch := list(
        papers.filter(pk__gt=last)
        .exclude(key__startswith="arxiv:")
        .order_by("pk")
        .only("key", "url")[:BATCH]
    ):
        last = batch[-1].pk
        wanted = {paper.pk: key for paper in batch if (key := _key(paper)) != paper.key}
        taken = set(papers.filter(key__in=wanted.values()).values_list("key", flat=True))
        changed, former = [], []
        for paper in batch:
            key = wanted.get(paper.pk)
            if key and key not in taken:
                taken.add(key)
                former.append(others.model(paper=paper, key=paper.key))
                paper.key = key
                changed.append(paper)
        papers.bulk_update(changed, ["key"])
        others.bulk_create(former, ignore_conflicts=True)


def _key(paper):
    scheme, _, rest = paper.key.partition(":")
    if scheme == "doi":
        return next(iter(names(rest)), paper.key)
    return url_key(paper.url) if scheme == "url" else paper.key


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0019_recognize_papers_by_other_keys"),
    ]

    operations = [
        migrations.RunPython(name_all_versions_alike, migrations.RunPython.noop),
    ]
