from django.db import migrations, models


class Migration(migrations.Migration):
    """The hash of an address stays unique, without the second index that nothing uses."""

    dependencies = [("subscribers", "0010_keep_wishes_with_letters")]

    operations = [
        migrations.AlterField(
            model_name="subscriber",
            name="address_hash",
            field=models.CharField(editable=False, max_length=64),
        ),
        migrations.AddConstraint(
            model_name="subscriber",
            constraint=models.UniqueConstraint(
                fields=("address_hash",), name="one_subscriber_an_address"
            ),
        ),
    ]
