from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0017_stage_imports"),
    ]

    operations = [
        migrations.AlterField(
            model_name="link",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("confirm", "Confirm the address"),
                    ("preferences", "Open the preferences"),
                    ("unsubscribe", "Unsubscribe"),
                    ("read", "Read a digest on the web"),
                    ("vote", "Vote on papers"),
                    ("saved", "Save papers, and see those saved"),
                    ("feed", "Read the saved papers as a feed"),
                    ("change", "Confirm a new address"),
                    ("refuse", "This was not me"),
                ],
                max_length=12,
            ),
        ),
    ]
