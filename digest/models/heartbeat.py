from django.db import models

from subscribers.database import execute


class Heartbeat(models.Model):
    """When something that must happen again and again last did, by the database's clock."""

    TICK = "tick"
    # The mailbox of the bounces was read, or a bounce came through a pipe.
    BOUNCES = "bounces"

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def beat(cls, name: str) -> None:
        """Note that it happened now."""
        execute(
            """
            INSERT INTO digest_heartbeat (name, at) VALUES (%s, clock_timestamp())
            ON CONFLICT (name) DO UPDATE SET at = excluded.at
            """,
            [name],
        )
