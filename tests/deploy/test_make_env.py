"""``manage.py make_env`` writes settings that work, and never changes what an operator wrote."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.installing import make_env

ROOT = Path(__file__).resolve().parents[2]
SITE = "--site-url=https://news.example.com"


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*make_env.KEYS, *(question.name for question in make_env.QUESTIONS)):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "an.env"
    monkeypatch.setenv("ENV_FILE", str(path))
    return path


def values(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#") and line)


def test_with_what_it_writes_nothing_is_left_to_complain_about(
    env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_env.main([SITE, "--postal-address", "Example Society, 1 Example Street"]) == 0

    assert env_file.stat().st_mode & 0o777 == 0o600
    found = values(env_file)
    keys = [found[name] for name in ("SECRET_KEY", "LINK_KEY", "ADDRESS_KEY")]
    assert (len({*keys}), min(map(len, keys))) == (3, 64)
    printed = capsys.readouterr().out
    assert [
        name for name, value in found.items() if name in make_env.KEYS and value in printed
    ] == []
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_stands_in_the_file_stays_and_what_is_missing_is_added(env_file: Path) -> None:
    own = f"# mine\nSITE_URL=https://a.example\nexport LINK_KEY='{'k' * 40}'"
    env_file.write_text(own)

    assert make_env.main([SITE]) == 0

    assert env_file.read_text().startswith(f"{own}\n")
    assert values(env_file)["MAIL_FROM"] == "Broadsheet <digest@a.example>"
    complete = env_file.read_text()
    assert make_env.main([SITE]) == 0
    assert env_file.read_text() == complete


def test_what_is_there_and_cannot_work_is_named(
    env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env_file.write_text("LINK_KEY=short\n")

    assert make_env.main([SITE]) == 1

    assert "LINK_KEY is too short" in capsys.readouterr().err
    assert values(env_file)["LINK_KEY"] == "short"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--site-url"),
        (["--site-url", "news"], "SITE_URL cannot be 'news'"),
        ([SITE, "--mail-from", "nobody"], "MAIL_FROM cannot be 'nobody'"),
        ([SITE, "--database-url", "mysql://a/b"], "DATABASE_URL cannot be"),
        ([SITE, "--operators-mail", "ada@example.org, bob"], "'bob' is no mail address"),
        ([SITE, "--postal-address", "A\nSECRET_KEY=b"], "control character"),
    ],
)
def test_an_answer_that_could_not_work_is_refused_and_nothing_is_written(
    env_file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert make_env.main(arguments) == 1

    assert words in capsys.readouterr().err
    assert not env_file.exists()


def test_what_root_writes_the_services_can_read(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_env, "_service_group", os.getgid)

    assert make_env.main([SITE]) == 0

    assert (env_file.stat().st_mode & 0o777, env_file.stat().st_gid) == (0o640, os.getgid())
    # PostgreSQL knows their user, so there is no password.
    assert values(env_file)["DATABASE_URL"].startswith("postgresql://broadsheet@/broadsheet?")
    printed = capsys.readouterr().out
    assert "systemctl enable --now broadsheet.target" in printed
    assert "createuser broadsheet\n" in printed
