from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class Import(models.Model):
    """One file of readers from another system: who brought it, on what basis, what came of it.

    `Consent` and `Suppression` name their import. One that has not finished was interrupted: what
    it brought until then is there, and can be undone; the same file can be imported again.
    """

    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=150, blank=True)
    system = models.CharField(max_length=20)
    basis = models.TextField(
        blank=True, help_text="Why its readers may be written to: how and when they consented."
    )
    counts = models.JSONField(default=dict, help_text="How many rows of the file by their outcome.")
    # Set by whoever wants it undone in the background.
    undo_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("import_readers", "Can import readers, and undo an import"),
            ("export_readers", "Can export all readers"),
        ]

    def __str__(self) -> str:
        return f"Import {self.pk} from {self.system}, {self.started_at:%Y-%m-%d %H:%M}"


class ImportFile(models.Model):
    """A file that an operator has uploaded, and how far it is: a dry run, then the import.

    Its pieces and rows are personal data: they go when it is imported or dropped, or after a few
    days. `version` counts up whenever what is wanted of it changes, so that a worker which is still
    busy with what was wanted before does not overwrite it.
    """

    class State(models.TextChoices):
        UPLOADING = "uploading", "Being uploaded"
        READY = "ready", "Waiting to be checked"
        CHECKING = "checking", "Being checked"
        CHECKED = "checked", "Checked"
        IMPORTING = "importing", "Being imported"
        DONE = "done", "Imported"
        FAILED = "failed", "It cannot be imported"

    # Of the form that it came with: what is sent twice is stored once.
    key = models.UUIDField(unique=True)
    name = models.CharField(max_length=200)
    size = models.BigIntegerField(help_text="In bytes.")
    by = models.CharField(max_length=150)
    state = models.CharField(max_length=10, choices=State, db_default=State.UPLOADING)
    problem = models.CharField(max_length=500, blank=True, db_default="")
    header = models.JSONField(default=list, help_text="The names of its columns.")
    options = models.JSONField(default=dict, help_text="What the operator says about it.")
    counts = models.JSONField(default=dict, help_text="How many rows by their outcome.")
    done = models.FloatField(db_default=0, help_text="How much of the work is done, 0 to 1.")
    version = models.PositiveIntegerField(db_default=0)
    imported = models.ForeignKey(Import, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"File {self.pk}: {self.state}"


class ImportPiece(models.Model):
    """A part of a file, as it was uploaded."""

    file = models.ForeignKey(ImportFile, on_delete=models.CASCADE, db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="one_piece_of_a_number")
        ]

    def __str__(self) -> str:
        return f"Piece {self.number} of file {self.file_id}"


class ImportRow(models.Model):
    """What becomes of one row of a file: its report. It holds no address."""

    # PostgreSQL would look the one file up for each of a million rows.
    file = models.ForeignKey(
        ImportFile, on_delete=models.CASCADE, db_index=False, db_constraint=False
    )
    number = models.IntegerField()
    judgement = models.CharField(max_length=20)
    says = models.CharField(max_length=20, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["file", "number"], name="import_row_by_number"),
            models.Index(fields=["file", "judgement", "number"], name="import_row_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"Row {self.number} of file {self.file_id}: {self.judgement}"
