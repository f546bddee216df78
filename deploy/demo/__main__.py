"""``python -m deploy.demo``: the demo from beginning to end. Exits with 0 if all went well."""

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import processes, servers
from deploy.demo import data, mailbox, ready
from deploy.demo.console import DemoConsole
from deploy.demo.report import Figures, Report, read_figures
from deploy.demo.story import READERS, Story, StoryError
from deploy.env import BASE_DIR
from deploy.processes import ProcessError, Programs

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Demo:
    """What all steps share."""

    console: DemoConsole
    folder: Path
    listening: socket.socket
    redis_url: str
    keys: data.Keys
    programs: Programs

    @property
    def url(self) -> str:
        return f"http://localhost:{self.listening.getsockname()[1]}"

    def figures(self) -> Figures:
        return read_figures(self.programs.manage("demo_summary"))


def main() -> int:
    options = _options()
    console = DemoConsole()
    folder: Path = options.folder.resolve()
    os.chdir(BASE_DIR)  # where its processes find manage.py and the packages
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        with _set_up(console, folder, options.port) as demo:
            _play(demo)
            if not options.once:
                _serve(demo)
    except (ProcessError, StoryError, servers.ServerError, OSError) as error:
        console.print(f"✗ {error}", style="red")
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted. Everything has been stopped.")
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit after the summary")
    parser.add_argument("--port", type=int, help="the site's port (8000, or the next free one)")
    parser.add_argument(
        "--folder", type=Path, default=BASE_DIR / ".broadsheet" / "demo", help="for all data"
    )
    return parser.parse_args()


# --- setting up ----------------------------------------------------------------------------
@contextmanager
def _set_up(console: DemoConsole, folder: Path, wanted_port: int | None) -> Iterator[Demo]:
    """Start the servers. At the end, stop everything that runs, the servers last."""
    with ExitStack() as stack:
        listening = stack.enter_context(ready.choose_port(wanted_port))
        port = listening.getsockname()[1]
        with console.step("PostgreSQL and Valkey are running"):
            where = stack.enter_context(servers.running(folder, durable=True))
            if "DATABASE_URL" in os.environ:
                data.refuse_real_readers(where.database_url)
            else:
                data.forget_old(where.database_url, folder / "mailbox")
        keys = data.next_run(folder)
        programs = Programs(folder, environment=data.environment(folder, keys, where, port))
        stack.callback(programs.stop)
        # A second Ctrl-C while we stop would leave processes behind.
        stack.callback(_ignore_signals)
        yield Demo(console, folder, listening, where.redis_url, keys, programs)


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _start_processes(demo: Demo) -> None:
    """Start the mail server, the worker and the site, and wait until each of them answers."""
    programs = demo.programs
    port_file = demo.folder / "smtp.port"
    port_file.unlink(missing_ok=True)
    smtp = programs.start("mailbox", "deploy.demo.smtp", str(demo.folder))
    programs.wait_until(port_file.exists, smtp)
    smtp_port = int(port_file.read_text())
    programs.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{smtp_port}"
    beat = ("--beat", *processes.beat_arguments(demo.folder))
    worker = programs.start("worker", "celery", *processes.worker_arguments(), *beat)
    web = processes.start_web(programs, demo.listening)
    programs.wait_until(lambda: ready.is_mail_server_up(smtp_port), smtp)
    programs.wait_until(lambda: ready.is_site_up(demo.url), web)
    programs.wait_until(lambda: ready.is_worker_up(demo.redis_url), worker)


# --- the steps -----------------------------------------------------------------------------
def _play(demo: Demo) -> None:
    """Go from an empty database to the summary. Raises if anything is not as it should be."""
    console, programs = demo.console, demo.programs
    with console.step("The database is ready"):
        programs.manage("migrate", "--verbosity=0")
        programs.manage("demo_prepare")
    with console.step("Papers are read") as details:
        details.append(programs.manage("fetch_papers", "sample").splitlines()[-1])
    with console.step("The edition is closed") as details:
        before = _close_edition(demo, details)
    with console.step("Site, worker, clock and mailbox are running"):
        _start_processes(demo)
    _tell_story(demo)
    with console.step("The mailbox is compared with the database"):
        mails = mailbox.count(demo.folder / "mailbox")
        report = Report(before, demo.figures(), mails, len(READERS))
    console.print()
    console.table([*report.lines(), ("Time", f"{console.seconds():.0f} seconds")])
    if differences := list(report.differences()):
        raise StoryError("\n✗ ".join(differences))


def _close_edition(demo: Demo, details: list[str]) -> Figures:
    """Close today's edition, unless there is one or no paper is waiting for it."""
    figures = demo.figures()
    if figures.papers_waiting and not figures.is_edition_of_today:
        demo.programs.manage("make_edition")
        figures = demo.figures()
        details.append(f"{figures.edition_papers} papers for {figures.edition_date}")
    else:
        details.append(f"no new papers, so the one for {figures.edition_date} is used again")
    return figures


def _tell_story(demo: Demo) -> None:
    console = demo.console
    story = Story(demo.url, demo.folder / "mailbox", demo.keys.runs, demo.programs.check)
    with console.step("Readers sign up on the site") as details:
        details.append(f"{story.sign_up()} confirmation mails arrived")
    with console.step("Readers confirm their addresses") as details:
        details.append(f"{story.confirm()} confirmed")
    with console.step("Readers choose hour, days and length") as details:
        details.append(f"{story.choose()} saved their preferences")
    with console.step("The worker sends the digests"):
        demo.programs.manage("demo_send")
    with console.step("A reader unsubscribes with one click") as details:
        details.append(f"{story.leave()} gets no more mail")


# --- serving -------------------------------------------------------------------------------
def _serve(demo: Demo) -> None:
    """Keep the site up until Ctrl-C or SIGTERM. Raises `ProcessError` if a process ends."""
    print_line = demo.console.print
    print_line()
    print_line(f"Site     {demo.url}/")
    print_line(f"Mailbox  {demo.url}/mailbox/")
    print_line(
        f"Admin    {demo.url}/admin/ as {data.OPERATOR}, password {demo.keys.operator_password}"
    )
    print_line(f"All data is in {demo.folder}. Press Ctrl-C to stop.")
    try:
        while True:
            demo.programs.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        print_line("Stopping …")


if __name__ == "__main__":
    sys.exit(main())
