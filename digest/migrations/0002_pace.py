from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("digest", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pace",
            fields=[
                ("key", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("next_free_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="BackOff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mail_service", models.CharField(max_length=40)),
                ("provider", models.CharField(max_length=253)),
                ("failures", models.PositiveSmallIntegerField()),
                ("not_before", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mail_service", "provider"), name="one_back_off_a_provider"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DayCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mail_service", models.CharField(max_length=40)),
                ("day", models.DateField()),
                ("number", models.PositiveIntegerField()),
                ("last_taken", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("mail_service", "day"), name="one_count_a_day")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="digest",
            index=models.Index(
                condition=models.Q(("handed_over_at__isnull", False)),
                fields=["handed_over_at"],
                name="digest_handed_over",
            ),
        ),
        migrations.AddIndex(
            model_name="digest",
            index=models.Index(
                condition=models.Q(("state__in", ["failed", "bounced", "complained"])),
                fields=["handed_over_at"],
                name="digest_gone_wrong",
            ),
        ),
    ]
