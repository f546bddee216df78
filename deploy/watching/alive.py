"""``python -m deploy.watching.alive``: exits with 0 if this host's worker has said that it lives.

For health checks of containers. It asks Redis alone, and takes a fraction of what `celery inspect
ping` does.
"""

import os
import socket
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    from digest.desk.today import broker  # noqa: PLC0415  # only once the settings can be found

    end = f"@{socket.gethostname()}"
    return 0 if any(one.is_alive and one.name.endswith(end) for one in broker.look().workers) else 1


if __name__ == "__main__":
    sys.exit(main())
