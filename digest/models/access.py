"""How operators prove who they are, beside their password."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Factor(models.Model):
    """A second factor of an operator: an app that shows codes, or a passkey.

    `secret` is the app's key, encrypted (`digest.desk.access.codes`), or the passkey's public key.
    Whatever has been used does not work again: an app's code by `last_step`, a passkey's answer by
    its challenge, and `uses` tells of a copied one.
    """

    class Kind(models.TextChoices):
        APP = "app", _("authenticator app")
        PASSKEY = "passkey", _("passkey")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="factors"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=60)
    secret = models.BinaryField()
    credential = models.CharField(max_length=64, blank=True, help_text="Hash of a passkey's id.")
    last_step = models.BigIntegerField(db_default=0)
    uses = models.BigIntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["credential"], name="one_row_a_passkey", condition=~models.Q(credential="")
            )
        ]
        permissions = [("reset_second_factor", "Can reset the second factor of another operator")]

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """A code for who has lost their second factor. It works once; its hash is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    code_hash = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.code_hash[:8]}…"


class SignOut(models.Model):
    """How often an operator was signed out everywhere. A session counts until the next time."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_out"
    )
    times = models.PositiveIntegerField(db_default=0, default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Signed out everywhere {self.times} times"


class Invitation(models.Model):
    """A link that makes one owner's account. It works once, and for a while; its hash is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.token_hash[:8]}…"
