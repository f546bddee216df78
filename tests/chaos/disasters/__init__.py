"""What happens once in a round, in those with an SMTP server: a restore, and a rolling restart."""

from tests.chaos.faults import Fault, Scene
from tests.chaos.processes import SmtpServer

from .restoring import restore_backup
from .rolling import change_version


def of_a_round(scene: Scene, days: int) -> list[Fault]:
    """Those of this round, the last first. The other services would tell of mails that a restored
    database has never heard of."""
    if days == 1 or not isinstance(scene.mail, SmtpServer) or scene.fleet.apart:
        return []
    return [change_version, restore_backup, change_version]
