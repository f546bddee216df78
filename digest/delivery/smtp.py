"""Django's SMTP backend, able to say how far a conversation had come when it broke."""

import smtplib
from typing import Any

from django.core.mail.backends import smtp


class _Staged:
    """Knows whether the message itself has begun to go over the line (DATA)."""

    data_begun = False

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.data_begun = False
        return super().mail(sender, options)  # type: ignore[misc,no-any-return]  # a mixin

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.data_begun = True
        return super().data(msg)  # type: ignore[misc,no-any-return]  # a mixin


class _StagedSMTP(_Staged, smtplib.SMTP):
    pass


class _StagedSMTPOverTLS(_Staged, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    """A lost connection before DATA is harmless and common (a server closes an idle one);
    after it, nobody knows. Django's backend tells the two apart no more than smtplib does.
    """

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _StagedSMTPOverTLS if self.use_ssl else _StagedSMTP

    @property
    def data_begun(self) -> bool:
        return bool(getattr(self.connection, "data_begun", False))
