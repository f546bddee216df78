"""The image and the compose file agree with the rest, and contain no password."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.env import BASE_DIR
from deploy.installing import make_env, make_secrets
from deploy.watching import probes
from digest.desk.today import broker

COMPOSE = BASE_DIR / "deploy" / "compose.yaml"
DOCKERFILE = (BASE_DIR / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
# Those that end by themselves, and the one that systemd and Docker alike only restart.
UNCHECKED = {"secrets", "prepare", "watch"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text()))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"])


def steps(kind: str) -> list[str]:
    """The arguments of the Dockerfile's instructions of this kind."""
    return re.findall(rf"^{kind}\s+(.*)$", DOCKERFILE, re.MULTILINE)


# --- compose.yaml --------------------------------------------------------------------------
def test_the_compose_file_is_one_by_the_specification() -> None:
    schema = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]

    done = subprocess.run(
        [sys.executable, *schema, COMPOSE], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_every_setting_is_one_that_the_example_knows(services: dict[str, Any]) -> None:
    example = (BASE_DIR / "deploy" / "env.example").read_text()
    known = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))

    used = set(services["web"]["environment"])

    assert {name.removesuffix("_FILE") for name in used} <= known
    assert [name for name in services if "environment" in services[name]] == [
        *("prepare", "web", "worker", "letters", "clock", "watch", "postgres", "proxy"),
    ]


def test_no_secret_has_a_value_here(services: dict[str, Any], tmp_path: Path) -> None:
    """They are files, each of which is made at the first start, in a volume of its kind."""
    environment = services["web"]["environment"]
    secret = {*make_env.KEYS, "DATABASE_URL", "REDIS_URL"}

    assert secret.isdisjoint(environment)
    assert {environment[f"{name}_FILE"] for name in secret} == {f"/keys/{name}" for name in secret}
    make(tmp_path)
    assert {path.name for path in (tmp_path / "keys").iterdir()} == secret
    asked_for = {services["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"]}
    asked_for.add(services["redis"]["command"][1])
    assert {f"/passwords/{path.name}" for path in (tmp_path / "passwords").iterdir()} == asked_for
    for name in ("postgres", "redis", "proxy"):
        assert [volume for volume in services[name]["volumes"] if volume.startswith("keys")] == []


def test_every_queue_has_a_worker_and_each_stops_in_its_own_time(services: dict[str, Any]) -> None:
    workers = [one for one in services.values() if "worker" in one.get("command", [])]

    queues = [one["command"][one["command"].index("--queues") + 1].split(",") for one in workers]

    assert sorted(queue for one in queues for queue in one) == sorted(broker.queue_names())
    assert {one["stop_grace_period"] for one in workers} == {"11m"}


def test_what_needs_others_waits_for_them(services: dict[str, Any]) -> None:
    unchecked = {
        name for name, one in services.items() if one.get("healthcheck", {}).get("disable")
    }
    assert unchecked == UNCHECKED
    for one in services.values():
        for name, wanted in one.get("depends_on", {}).items():
            ends = services[name].get("restart") == "no"
            is_right = {"service_completed_successfully"} if ends else {"service_healthy"}
            assert {wanted["condition"]} == is_right
    for name, one in services.items():
        if name != "postgres":  # its entrypoint begins as root
            assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])


# --- the image -----------------------------------------------------------------------------
def test_the_image_is_installed_by_make_and_by_hashes() -> None:
    runs = steps("RUN")
    assert sum(run.startswith("make install") for run in runs) == 2
    assert [run for run in runs if re.search(r"\b(pip|uv|curl|wget)\b", run)] == []
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "install"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--require-hashes --python .venv/bin/python requirements.lock" in done.stdout


def test_the_image_holds_what_runs_and_does_not_run_as_root() -> None:
    from_us = [words.split()[:-1] for words in steps("COPY") if not words.startswith("--from")]
    copied = {name for names in from_us for name in names}

    assert copied == {
        *("Makefile", "requirements.lock", "manage.py"),
        *("deploy", "digest", "subscribers", "templates"),
    }
    ignored = (BASE_DIR / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    (user,) = steps("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert DOCKERFILE.rindex("USER ") > DOCKERFILE.rindex("COPY ")
    (check,) = re.findall(r"127\.0\.0\.1:8000(/\w+)", DOCKERFILE)
    assert check in probes._ANSWERS
    assert json.loads(steps("CMD")[-1])[:3] == ["python", "-m", "deploy.web"]


def test_each_volume_begins_as_a_folder_that_the_right_ones_may_open() -> None:
    """Of a new volume, the owner and the mode are those of the folder in the image. Other users
    than ours run PostgreSQL and Redis, which read their passwords there."""
    made = re.findall(r"install -d -o broadsheet -g broadsheet -m (\d+) ([^&\n]+)", DOCKERFILE)

    modes = {folder: mode for mode, folders in made for folder in folders.split()}

    assert modes == {"/app/.broadsheet": "700", "/keys": "700", "/passwords": "755"}


# --- secrets -------------------------------------------------------------------------------
def make(folder: Path) -> dict[str, str]:
    for name in ("keys", "passwords"):
        (folder / name).mkdir(exist_ok=True)
    assert make_secrets.main([str(folder / "keys"), str(folder / "passwords")]) == 0
    return {path.name: path.read_text() for path in folder.glob("*/*")}


def test_secrets_are_made_once_and_settings_load_with_them(tmp_path: Path) -> None:
    made = make(tmp_path)

    assert len(set(made.values())) == 8
    (tmp_path / "keys" / "SECRET_KEY").unlink()
    again = make(tmp_path)
    assert {name for name in made if made[name] != again[name]} == {"SECRET_KEY"}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*/*")}
    assert [name for name, mode in modes.items() if mode & 0o277] == ["postgres", "redis.conf"]
    files = {f"{path.name}_FILE": str(path) for path in (tmp_path / "keys").iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", "import deploy.settings as s; print(s.REDIS_URL)"],
        cwd=BASE_DIR,
        env={
            **{"PATH": os.environ["PATH"], "ENV_FILE": "/nonexistent"},
            **{"SITE_URL": "https://news.example.com", "MAIL_FROM": "a@news.example.com", **files},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == again["REDIS_URL"].strip(), done.stderr
    password = made["redis.conf"].split()[1]
    assert f":{password}@redis" in made["REDIS_URL"]
    assert made["postgres"].strip() in made["DATABASE_URL"]
