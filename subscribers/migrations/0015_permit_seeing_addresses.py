"""Who may see readers' addresses is a permission of its own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0014_add_programs")]

    operations = [
        migrations.AlterModelOptions(
            name="subscriber",
            options={
                "permissions": [
                    ("view_addresses", "Can see readers' addresses, and search by them")
                ]
            },
        ),
    ]
