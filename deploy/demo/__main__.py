"""``python -m deploy.demo``: the demo from beginning to end. It ends with 0 if all went well."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import processes, servers
from deploy.demo import data, mailbox
from deploy.demo.report import Figures, Report, read_figures
from deploy.demo.stage import Stage
from deploy.demo.story import READERS, Story, StoryError
from deploy.env import BASE_DIR
from deploy.processes import Children, ProcessError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the acts share."""

    stage: Stage
    folder: Path
    port: int
    redis_url: str
    keys: data.Keys
    children: Children

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def figures(self) -> Figures:
        return read_figures(self.children.manage("demo_summary"))


def main() -> int:
    options = _options()
    stage = Stage()
    folder: Path = options.folder.resolve()
    os.chdir(BASE_DIR)  # where the children find manage.py and the packages
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        with _set_up(stage, folder, options.port) as demo:
            _play(demo)
            if not options.once:
                _serve(demo)
    except (ProcessError, StoryError, servers.ServiceError, OSError) as error:
        stage.tell(f"✗ {error}", style="red")
        return 1
    except KeyboardInterrupt:
        stage.tell("Interrupted; everything is stopped.")
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the summary")
    parser.add_argument("--port", type=int, help="the site's port (8000, or the next free one)")
    parser.add_argument(
        "--folder", type=Path, default=BASE_DIR / ".broadsheet" / "demo", help="for all its data"
    )
    return parser.parse_args()


# --- setting up ----------------------------------------------------------------------------
@contextmanager
def _set_up(stage: Stage, folder: Path, wanted_port: int | None) -> Iterator[Demo]:
    """Start the services, and stop at the end whatever runs by then: the services last."""
    port = processes.choose_port(wanted_port)
    with ExitStack() as stack:
        with stage.act("PostgreSQL and Valkey run"):
            where = stack.enter_context(servers.running(folder, durable=True))
            if "DATABASE_URL" in os.environ:
                data.refuse_real_readers(where.database_url)
            else:
                data.forget_old(where.database_url, folder / "mailbox")
        keys = data.next_run(folder)
        children = Children(folder, data.environment(folder, keys, where, port))
        stack.callback(children.stop)
        # Whoever grows impatient while we stop would leave processes behind.
        stack.callback(_ignore_signals)
        yield Demo(stage, folder, port, where.redis_url, keys, children)


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _start_processes(demo: Demo) -> None:
    """Start the mailbox, the worker and the site, and return when each has answered."""
    children = demo.children
    port_file = demo.folder / "smtp.port"
    port_file.unlink(missing_ok=True)
    smtp = children.start("mailbox", "deploy.demo.smtp", str(demo.folder))
    children.wait_until(port_file.exists, smtp)
    smtp_port = int(port_file.read_text())
    children.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{smtp_port}"
    beat = ("--beat", *processes.beat_arguments(demo.folder))
    worker = children.start("worker", "celery", *processes.WORKER_ARGUMENTS, *beat)
    bind = f"127.0.0.1:{demo.port}"
    web = children.start("web", "gunicorn", *processes.web_arguments(demo.folder, bind))
    children.wait_until(lambda: processes.is_greeted(smtp_port), smtp)
    children.wait_until(lambda: processes.is_site_up(demo.url), web)
    children.wait_until(lambda: processes.is_worker_up(demo.redis_url), worker)


# --- the acts ------------------------------------------------------------------------------
def _play(demo: Demo) -> None:
    """Everything from an empty database to the summary. Raises if anything is not as it must be."""
    stage, children = demo.stage, demo.children
    with stage.act("The database is ready"):
        children.manage("migrate", "--verbosity=0")
        children.manage("demo_prepare")
    with stage.act("Papers are read") as said:
        said.append(children.manage("fetch_papers", "sample").splitlines()[-1])
    with stage.act("The edition is closed") as said:
        before = _close_edition(demo, said)
    with stage.act("Site, worker, clock and mailbox run"):
        _start_processes(demo)
    _tell_story(demo)
    with stage.act("The mailbox is compared with the database"):
        mails = mailbox.count(demo.folder / "mailbox")
        report = Report(before, demo.figures(), mails, len(READERS))
    stage.tell()
    stage.table([*report.lines(), ("Time", f"{stage.seconds():.0f} seconds")])
    if differences := list(report.differences()):
        raise StoryError("\n✗ ".join(differences))


def _close_edition(demo: Demo, said: list[str]) -> Figures:
    """Make the papers that wait into today's edition, if there are any and it has none."""
    figures = demo.figures()
    if figures.papers_waiting and not figures.is_edition_of_today:
        demo.children.manage("make_edition")
        figures = demo.figures()
        said.append(f"{figures.edition_papers} papers of {figures.edition_date}")
    else:
        said.append(f"no new papers, so the one of {figures.edition_date} is used again")
    return figures


def _tell_story(demo: Demo) -> None:
    stage = demo.stage
    story = Story(demo.url, demo.folder / "mailbox", demo.keys.runs, demo.children.check)
    with stage.act("Readers sign up on the site") as said:
        said.append(f"{story.sign_up()} confirmation mails came")
    with stage.act("Readers confirm their addresses") as said:
        said.append(f"{story.confirm()} buttons pressed")
    with stage.act("Readers choose hour, days and length") as said:
        said.append(f"{story.choose()} preferences saved")
    with stage.act("The worker sends the digests"):
        demo.children.manage("demo_send")
    with stage.act("A reader leaves by one click") as said:
        said.append(f"{story.leave()} is unsubscribed")


# --- serving -------------------------------------------------------------------------------
def _serve(demo: Demo) -> None:
    """Keep the site up until Ctrl-C or SIGTERM. Raises `ProcessError` if a process ends."""
    tell = demo.stage.tell
    tell()
    tell(f"The site     {demo.url}/")
    tell(f"The mailbox  {demo.url}/mailbox/")
    tell(
        f"The admin    {demo.url}/admin/ as {data.OPERATOR}, password {demo.keys.operator_password}"
    )
    tell(f"Everything lies in {demo.folder}. Ctrl-C stops it.")
    try:
        while True:
            demo.children.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        tell("Stopping …")


if __name__ == "__main__":
    sys.exit(main())
