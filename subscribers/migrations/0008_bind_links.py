from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def bind_refusals(apps, schema_editor):
    """Bind each "this was not me" to the address it went to: the reader's, if they have not moved.

    Of those who have moved the older links go: what address they went to is not stored.
    """
    Link = apps.get_model("subscribers", "Link")
    Consent = apps.get_model("subscribers", "Consent")
    Subscriber = apps.get_model("subscribers", "Subscriber")
    refusals = Link.objects.filter(purpose="refuse")
    moved = Consent.objects.filter(act="changed", subscriber=OuterRef("subscriber"))
    moved_at = Subquery(moved.order_by("-at").values("at")[:1])
    refusals.annotate(moved_at=moved_at).filter(created_at__lt=F("moved_at")).delete()
    its_reader = Subscriber.objects.filter(pk=OuterRef("subscriber")).values("address_hash")
    refusals.update(address_hash=Subquery(its_reader))


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0007_local_dates")]

    operations = [
        migrations.AddField(
            model_name="link",
            name="address_hash",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The reader's when a random link was made: they may have moved since.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="links_generation",
            field=models.PositiveSmallIntegerField(db_default=0, editable=False),
        ),
        migrations.RunPython(bind_refusals, migrations.RunPython.noop),
    ]
