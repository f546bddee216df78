"""Mail services about which we know only their tables, one module for each.

A service whose digests in doubt can be settled has a module of its own in ``mail_services``.
"""

from collections.abc import Sequence

from digest.delivery.mail_services.base import Traits

from . import (
    mailersend,
    mailgun,
    mailjet,
    mailtrap,
    mandrill,
    postal,
    scaleway,
    sendgrid,
    smtp,
    sparkpost,
    unisender_go,
)

_MODULES = (
    mailersend,
    mailgun,
    mailjet,
    mailtrap,
    mandrill,
    postal,
    scaleway,
    sendgrid,
    smtp,
    sparkpost,
    unisender_go,
)
TRAITS: Sequence[Traits] = [module.TRAITS for module in _MODULES]
