"""``manage.py demo_prepare``: creates the operator and the topic that the demo needs."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from deploy import env
from subscribers.models import Topic


class Command(BaseCommand):
    help = "Create the demo's operator and a topic that no paper is about. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        # Its follower shows what happens when no paper fits: the digest is skipped, with a reason.
        Topic.objects.update_or_create(
            slug="astronomy",
            defaults={
                "name": "Astronomy",
                "description": "Stars, galaxies, and the planets of other suns.",
                "seed_terms": ["galaxy", "exoplanet", "supernova", "telescope"],
                "position": 1000,  # the last one on the form, where the story looks for it
            },
        )
        operator, _ = get_user_model().objects.get_or_create(
            username=env.text("DEMO_OPERATOR"), defaults={"is_staff": True, "is_superuser": True}
        )
        operator.set_password(env.text("DEMO_PASSWORD"))
        operator.save(update_fields=["password"])
