"""What operators did, which nobody can take back."""

from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One act of an operator, or an attempt at one. The database refuses to change or delete it.

    It holds no foreign key, so that it outlives whom and what it names, and no address: a reader
    is a number here, which says nothing once the reader is erased. `digest.desk.audit` adds rows.
    """

    class Via(models.TextChoices):
        PAGE = "page", "the admin"
        API = "api", "the API"
        COMMAND = "command", "manage.py"

    class Result(models.TextChoices):
        DONE = "done", "done"
        SAME = "same", "nothing changed"
        REFUSED = "refused", "refused"
        FAILED = "failed", "failed"

    at = models.DateTimeField(db_default=Now())
    by_id = models.BigIntegerField(null=True, help_text="The operator's number.")
    by_name = models.CharField(max_length=150, blank=True, help_text="Their name at that time.")
    via = models.CharField(max_length=8, choices=Via, db_default=Via.PAGE)
    network = models.CharField(max_length=50, blank=True, help_text="Not the whole address.")
    act = models.CharField(max_length=60, help_text="A noun and a verb, such as hold.release.")
    kind = models.CharField(max_length=40, blank=True, help_text="Of the object: digest.paper.")
    key = models.CharField(max_length=60, blank=True, help_text="The object's number or name.")
    result = models.CharField(max_length=8, choices=Result, db_default=Result.DONE)
    details = models.JSONField(default=dict)

    class Meta:
        default_permissions = ("view",)
        permissions = [("view_audit_networks", "Can see from where operators acted")]
        verbose_name = "act of an operator"
        verbose_name_plural = "acts of operators"
        # Each list is in the order of the ids, which is that of time.
        indexes = [
            models.Index(fields=["by_id", "id"], name="audit_by_person"),
            models.Index(fields=["act", "id"], name="audit_by_act"),
            models.Index(fields=["kind", "key", "id"], name="audit_by_object"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.act} by {self.by_name or 'nobody'} at {self.at:%Y-%m-%d %H:%M}"
