from django.db import models
from django.db.models.functions import Now

from subscribers.database import execute, fetch

_MOST = 2000


class Change(models.Model):
    """Something changed that processes keep in memory: a topic, an edition, a paper's texts.

    The database adds a row in the transaction that makes the change, whoever makes it (triggers in
    the migrations). So two processes that see the same rows see the same papers and topics.
    """

    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"

    # An expression to be read along with other things. The number alone is not enough: of two
    # transactions, the one that began first may end last. The sum tells such rows apart.
    VERSION = "(SELECT count(*) || '.' || coalesce(sum(id), 0) FROM digest_change)"

    @classmethod
    def version(cls) -> str:
        """Return what differs whenever something has changed."""
        ((version,),) = fetch(f"SELECT {cls.VERSION}")
        return str(version)

    @classmethod
    def forget_old(cls) -> None:
        """Delete old rows if there are many; what was kept is then made once more. Waits for
        nobody."""
        execute(
            """
            DELETE FROM digest_change WHERE id IN (
                SELECT id FROM digest_change WHERE at < now() - interval '1 day'
                AND (SELECT count(*) FROM digest_change) > %s
                FOR UPDATE SKIP LOCKED
            )
            """,
            [_MOST],
        )
