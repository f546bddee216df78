from django.db import migrations


def forget(apps, schema_editor):
    """Take out of the digests of readers who were erased what erasing left in them."""
    Click = apps.get_model("digest", "Click")
    Digest = apps.get_model("digest", "Digest")
    Event = apps.get_model("digest", "Event")
    nobodys = Digest.objects.filter(subscriber=None)
    Click.objects.filter(digest__in=nobodys).delete()
    Event.objects.filter(digest__in=nobodys).update(address_hash="", message_id="", detail="")
    nobodys.update(
        paper_ids=[], reasons=[], contributions=[], chosen_by=None, error="", message_id=""
    )


class Migration(migrations.Migration):
    dependencies = [("digest", "0022_fill_words_and_names")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
