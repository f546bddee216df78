"""``python -m tests.chaos.skewed SECONDS …``: Celery in a process whose clock is wrong."""

import sys
from datetime import UTC, datetime, timedelta

import time_machine
from celery.bin.celery import main

if __name__ == "__main__":
    wrong = datetime.now(UTC) + timedelta(seconds=int(sys.argv.pop(1)))
    # The pool processes are forked from this one, so their clocks are wrong too.
    with time_machine.travel(wrong, tick=True):
        sys.exit(main())
