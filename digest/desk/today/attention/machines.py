"""What the machines do: the database, Redis, workers, disks, and the clock."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _

from digest.desk.today.standing import Rows, Standing
from digest.desk.today.trouble import DATABASE, REDIS, TICK, Trouble
from digest.desk.words import duration, number


def database_down(standing: Standing) -> Iterator[Trouble]:
    if standing.rows is None:
        yield Trouble(
            DATABASE,
            _("PostgreSQL cannot be reached (%(error)s).") % {"error": standing.problem},
            _("Pages answer 503 and nothing is sent. Nothing is lost: sending goes on by itself."),
            patience=timedelta(seconds=25),
            needs=(),
        )


def redis_down(standing: Standing) -> Iterator[Trouble]:
    if not standing.broker.is_up:
        yield Trouble(
            REDIS,
            _("Redis cannot be reached (%(error)s).") % {"error": standing.broker.problem},
            _("No task is started: nothing is planned, sent or fetched. Nothing is lost."),
            patience=timedelta(seconds=25),
            needs=(),
        )


def queues_without_worker(standing: Standing) -> Iterator[Trouble]:
    for queue in standing.broker.unserved():
        yield Trouble(
            f"queue:{queue}",
            _("No living worker serves the queue “%(queue)s”; %(number)s tasks wait in it.")
            % {"queue": queue, "number": number(standing.broker.queues[queue])},
            _("Start a worker for it, or restart the one that hangs."),
            patience=timedelta(seconds=90),
            needs=(REDIS,),
        )


def disks_full(standing: Standing) -> Iterator[Trouble]:
    for disk in standing.disks:
        if disk.is_full:
            yield Trouble(
                f"disk:{disk.folder}",
                _("The disk with %(folder)s is nearly full: %(percent)s %% free.")
                % {"folder": disk.folder, "percent": f"{disk.free * 100:.0f}"},
                _("Make room. Once it is full, nobody can sign up and nothing is sent."),
                needs=(),
            )


def bounces_unread(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    if rows.clock.is_bounces_read or rows.clock.is_still:
        return
    at = rows.clock.bounces_at
    yield Trouble(
        "bounces",
        _("The mailbox with the bounces has not been read for %(time)s.")
        % {"time": duration(rows.clock.now - at)}
        if at
        else _("The mailbox with the bounces has not been read yet."),
        _("Whose address is dead goes on getting mail. The worker’s log says why."),
        is_urgent=False,
        # Somebody may be setting it up.
        patience=timedelta(0) if at else timedelta(minutes=10),
        needs=(DATABASE, TICK),
    )


def no_tick(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    if not rows.clock.is_still:
        return
    waiting = standing.broker.queues.get("ticks", 0)
    if not standing.broker.is_up:
        advice = _("Redis is down, without which nothing ticks.")
    elif waiting > 1:
        advice = _("%(number)s ticks wait in the queue: restart the worker of the queue “ticks”.")
        advice %= {"number": number(waiting)}
    else:
        advice = _("Restart the clock (celery beat), and look into its log.")
    age = rows.clock.age
    yield Trouble(
        TICK,
        _("No tick for %(time)s: nothing is planned or fetched.") % {"time": duration(age)}
        if age
        else _("There has not been a tick yet: nothing is planned, sent or fetched."),
        advice,
        # Somebody may be starting it for the first time.
        patience=timedelta(0) if age else timedelta(minutes=4),
    )
