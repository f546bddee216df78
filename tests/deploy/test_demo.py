"""The demo as a visitor starts it: the whole program, three times in one folder."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from deploy.demo import data
from deploy.demo.mailbox import MailCounts
from deploy.demo.pages import links_in, read_page
from deploy.demo.report import Figures, Report
from deploy.processes import ProcessError, Programs
from deploy.servers import ServerError
from tests.services_plugin import HOME
from tests.workers import wait_until

READERS = 12
CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder for the demo's data that PostgreSQL can reach even if we are root."""
    place = HOME / f"test-{os.getpid()}" / "demo"
    yield place
    shutil.rmtree(place, ignore_errors=True)


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deploy.demo", "--folder", str(folder), *arguments]
    # The test run's own servers are not an operator's, which would be used instead.
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Its output up to the line with these words, or all of it if no line has them."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            break
    return "".join(lines)


def figures_in(printed: str) -> dict[str, int]:
    """The summary's figures by the word that follows each of them."""
    found = re.findall(r"(\d+) (signed up|sent|skipped|mails|digests|letters)\b", printed)
    return {name: int(number) for number, name in found}


@pytest.fixture(scope="module")
def first(folder: Path) -> str:
    """The output of the first demo in the folder, which exited with 0."""
    with start(folder, "--once") as process:
        printed = process.communicate(timeout=120)[0]
    assert process.returncode == 0, printed
    return printed


def test_demo_sends_every_reader_a_digest_or_says_why_not(first: str) -> None:
    assert figures_in(first) == {
        "signed up": READERS,
        "sent": READERS - 1,
        "skipped": 1,
        "mails": 2 * READERS - 1,
        "digests": READERS - 1,
        "letters": READERS,
    }


def test_demo_writes_keys_that_nobody_else_may_read(first: str, folder: Path) -> None:
    assert (folder / "keys").stat().st_mode & 0o777 == 0o600


def test_second_demo_sends_nothing_twice_and_exits_cleanly_on_ctrl_c(
    first: str, folder: Path
) -> None:
    with start(folder) as process:
        printed = read_until(process, "Ctrl-C")
        mailbox_url = re.findall(r"http\S+/mailbox/", printed)[0]
        page = requests.get(mailbox_url, timeout=10)
        process.send_signal(signal.SIGINT)
        printed += process.communicate(timeout=30)[0]

    assert process.returncode == 0, printed
    assert page.status_code == 200
    assert "no new papers" in printed
    assert figures_in(printed)["sent"] == READERS - 1
    assert figures_in(printed)["mails"] == 2 * (2 * READERS - 1)


@pytest.mark.skipif(not CHILDREN.exists(), reason="needs Linux’s lists of children")
def test_killed_demo_leaves_no_process_behind(first: str, folder: Path) -> None:
    with start(folder) as process:
        read_until(process, "Readers sign up")
        family = descendants(process.pid)
        assert len([pid for pid in family if is_running(pid)]) > 8  # servers and processes
        process.kill()

    wait_until(lambda: not any(map(is_running, family)), seconds=10, what="the demo's processes")


def test_demo_says_that_its_port_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with start(folder, "--once", "--port", str(port)) as process:
            printed = process.communicate(timeout=30)[0]

    assert process.returncode == 1
    assert re.fullmatch(rf"✗ Port {port} is taken\. Try: make demo PORT=\d+\n", printed)


# --- parts that a whole run does not show ---------------------------------------------------
@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database."""
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE old_demo")
        yield urlsplit(url)._replace(path="/old_demo").geturl()
        connection.execute("DROP DATABASE old_demo")


@pytest.mark.parametrize("address", ["ada.1@example.org", "ada@university.example"])
def test_demo_refuses_a_database_with_real_readers(database: str, address: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE subscribers_subscriber (email text)")
    data.refuse_real_readers(database)
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO subscribers_subscriber VALUES (%s)", [address])

    is_refused = pytest.raises(ServerError, match="readers of its own")
    with nullcontext() if address.endswith("@example.org") else is_refused:
        data.refuse_real_readers(database)


@pytest.mark.parametrize(("days", "is_kept"), [(6, True), (7, False)])
def test_demo_starts_over_when_its_edition_is_a_week_old(
    database: str, tmp_path: Path, days: int, is_kept: bool
) -> None:
    mails = tmp_path / "mailbox"
    mails.mkdir()
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE digest_edition (date date)")
        connection.execute("INSERT INTO digest_edition SELECT current_date - %s::int", [days])

    data.forget_old(database, mails)

    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert (len(tables) == 1, mails.exists()) == (is_kept, is_kept)


def test_error_names_the_process_that_ended_and_quotes_its_log(tmp_path: Path) -> None:
    programs = Programs(tmp_path, environment=dict(os.environ))
    calm = programs.start("calm", "http.server", "0", "--bind", "127.0.0.1")
    programs.check()
    hasty = programs.start("hasty", "no_such_module")
    hasty.process.wait()

    with pytest.raises(ProcessError, match=r"^hasty ended with 1[^$]+No module named"):
        programs.check()
    programs.stop()
    assert calm.process.poll() is not None


BEFORE = Figures(
    papers=60,
    papers_waiting=0,
    edition_date="2026-11-20",
    edition_papers=60,
    is_edition_of_today=True,
    readers_confirmed=0,
    readers_left_out=0,
    digests_sent=0,
    digests_in_doubt=0,
    digests_failed=0,
    digests_skipped={},
    letters_sent=0,
    letters_in_doubt=0,
)


AFTER = replace(BEFORE, readers_confirmed=2, digests_sent=2, letters_sent=2)


def test_report_finds_no_difference_when_mailbox_and_database_agree() -> None:
    report = Report(BEFORE, AFTER, MailCounts(letters=2, digests=2, repeated=0), readers=2)

    assert list(report.differences()) == []


@pytest.mark.parametrize(
    ("after", "mails", "difference"),
    [
        (AFTER, MailCounts(2, 1, 0), "The mailbox has 1 digests, but the database says that 2"),
        (AFTER, MailCounts(3, 2, 0), "The mailbox has 3 letters, but the database says that 2"),
        (AFTER, MailCounts(2, 2, 1), "The mailbox has 1 digests that arrived twice"),
        (replace(AFTER, readers_confirmed=1), MailCounts(2, 2, 0), "2 readers confirmed, but"),
        (
            replace(AFTER, readers_left_out=1),
            MailCounts(2, 2, 0),
            "1 active readers have no",
        ),
        (replace(AFTER, digests_failed=1), MailCounts(2, 2, 0), "1 digests were refused"),
    ],
)
def test_report_says_what_differs(after: Figures, mails: MailCounts, difference: str) -> None:
    (said,) = Report(BEFORE, after, mails, readers=2).differences()

    assert said.startswith(difference)


def test_mail_in_doubt_may_or_may_not_be_in_the_mailbox() -> None:
    after = replace(AFTER, digests_in_doubt=1)
    reports = [Report(BEFORE, after, MailCounts(2, found, 0), readers=2) for found in (2, 3, 4)]

    assert [bool(list(report.differences())) for report in reports] == [False, False, True]


def test_form_is_submitted_as_a_browser_would_submit_it() -> None:
    page = read_page(
        """<a href="/u/1">Stop</a><form><input type="hidden" name="opened" value="now">
        <input type="checkbox" name="topics" value="1"><input type="checkbox" name="topics"
        value="2" checked><select name="hour"><option value="6"><option value="7" selected>
        </select></form>"""
    )

    assert page.filled(hour="8") == {"opened": ["now"], "topics": ["2"], "hour": ["8"]}
    assert (page.choices, page.links) == ({"topics": ["1", "2"]}, ["/u/1"])
    with pytest.raises(KeyError):
        page.filled(surprise="1")


def test_links_are_found_in_the_text_of_a_mail() -> None:
    assert list(links_in("Open\nhttps://example.org/c/1\nor <http://x.org>")) == [
        "https://example.org/c/1",
        "http://x.org",
    ]


# --- processes -----------------------------------------------------------------------------
def descendants(pid: int) -> list[int]:
    """All descendants of a process."""
    family = [pid]
    for parent in family:  # grows while it is walked
        lists = Path(f"/proc/{parent}/task").glob("*/children")
        family.extend(int(child) for file in lists for child in file.read_text().split())
    return family[1:]


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
