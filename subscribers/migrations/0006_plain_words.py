"""The words of help texts and choices. Changes no table."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscribers", "0005_refused"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="act",
            field=models.CharField(
                choices=[
                    ("asked", "Asked for digests"),
                    ("confirmed", "Confirmed by the link in the mail"),
                    ("unsubscribed", "Unsubscribed on the page"),
                    ("one_click", "Unsubscribed with one click in the mail program"),
                    ("by_mail", "Unsubscribed by sending a mail"),
                    ("resumed", "Undid the unsubscription"),
                    ("changed", "Confirmed a new address"),
                    ("refused", "Said that somebody else had signed up"),
                    ("erased", "Had their data erased"),
                    ("complained", "Reported a mail as spam"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="consent",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("too_many", "Too many emails"),
                    ("not_for_me", "Not the papers I want"),
                    ("never_asked", "I never asked for it"),
                    ("other", "Another reason"),
                ],
                help_text="Why the reader left, if they told us.",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="consent",
            name="wording",
            field=models.CharField(
                blank=True, help_text="The version of the consent text.", max_length=40
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="kind",
            field=models.CharField(
                choices=[
                    ("confirm", "Please confirm your address"),
                    ("known", "You are already subscribed"),
                    ("link", "A new link to your preferences"),
                    ("change", "Please confirm your new address"),
                    ("changed", "Your address was changed"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="to",
            field=models.EmailField(
                blank=True,
                help_text="If empty, the letter goes to the subscriber’s own address.",
                max_length=320,
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="is_exploring",
            field=models.BooleanField(
                db_default=True,
                help_text="Reserve one place in the digest for a paper off the usual path.",
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="length",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="The maximum number of papers in a digest.",
                validators=[
                    django.core.validators.MinValueValidator(3),
                    django.core.validators.MaxValueValidator(20),
                ],
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="links_epoch",
            field=models.CharField(
                default="", editable=False, help_text="Set by links.ensure.", max_length=24
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="new_email",
            field=models.EmailField(
                blank=True,
                db_default="",
                editable=False,
                help_text="Requested, but not confirmed yet.",
                max_length=320,
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="weekday",
            field=models.PositiveSmallIntegerField(
                choices=[
                    (0, "Monday"),
                    (1, "Tuesday"),
                    (2, "Wednesday"),
                    (3, "Thursday"),
                    (4, "Friday"),
                    (5, "Saturday"),
                    (6, "Sunday"),
                ],
                default=0,
                help_text="The day on which weekly digests come.",
            ),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="reason",
            field=models.CharField(
                choices=[
                    ("bounced", "The address does not exist (hard bounce)"),
                    ("complained", "The reader reported our mail as spam"),
                    ("refused", "The owner of the address said they had not signed up"),
                    ("manual", "Added by an operator"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="topic",
            name="is_offered",
            field=models.BooleanField(
                default=True,
                help_text="Shown on the sign-up form. If unchecked, readers who follow it keep it.",
            ),
        ),
    ]
