from django.db import models


class Latch(models.Model):
    """Somebody does what only one may do at a time, and was heard of until then.

    `lock` is one of ``database.Lock``, and `place` a number within it. Read and changed only by
    ``database.only_one``.
    """

    lock = models.IntegerField()
    place = models.IntegerField()
    holder = models.UUIDField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lock", "place"], name="one_latch_a_place")]

    def __str__(self) -> str:
        return f"Lock {self.lock:x}, place {self.place}: held until {self.until:%H:%M:%S}"
