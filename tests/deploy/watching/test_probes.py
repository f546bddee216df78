"""What programs ask: whether the process lives, whether it does its work, and all figures."""

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from digest.desk.today import broker
from digest.models import Heartbeat, Hold
from tests.digest.desk.scene import STATES, a_morning
from tests.factories import make_reader
from tests.outage import no_database

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "0123456789abcdef-token"
MONITORING = Path(configured.BASE_DIR) / "deploy" / "monitoring"


@pytest.fixture(autouse=True)
def _living_worker(settings: Settings) -> None:
    settings.METRICS_TOKEN = [TOKEN]
    settings.SOURCES = ["huggingface", "arxiv"]
    settings.MAIL_PER_DAY = {"": 50_000}
    broker.client().flushdb()
    broker._said_at = float("-inf")
    broker.say_alive("all@host", broker.queue_names())


def figures(client: Client) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    samples = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            samples[sample.name + (f"[{labels}]" if labels else "")] = sample.value
    return samples


def test_a_process_that_answers_lives_whatever_else_is_down(client: Client) -> None:
    with no_database():
        answer = client.get("/live", headers={"Host": "10.0.0.7:8000"})

    assert (answer.status_code, answer.content) == (200, b"live\n")
    assert client.post("/live").status_code == 405


def test_it_is_ready_while_all_is_there(client: Client) -> None:
    Heartbeat.beat(Heartbeat.TICK)

    answer = client.get("/ready", headers={"Host": "10.0.0.7:8000"})

    assert (answer.status_code, answer.json()["wrong"]) == (200, [])
    assert answer.json()["last_tick_seconds"] < 60


def test_it_says_what_is_wrong(client: Client, settings: Settings) -> None:
    Heartbeat.beat(Heartbeat.TICK)
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=6))
    late = client.get("/ready")
    Heartbeat.beat(Heartbeat.TICK)
    make_reader(next_due_at=timezone.now() - timedelta(minutes=20))
    stuck = client.get("/ready")
    with no_database():
        down = client.get("/ready")
    settings.REDIS_URL = "redis://user:secret@127.0.0.1:1/0"
    alone = client.get("/ready")

    said = [answer.json()["wrong"] for answer in (late, stuck, down, alone)]
    assert said[0] == ["No tick for 6 min: nothing is planned or fetched."]
    assert said[1][0].startswith("Digests have been due since")
    assert stuck.json()["oldest_due_seconds"] == pytest.approx(1200, abs=30)
    assert said[2] == ["PostgreSQL cannot be reached (OperationalError)."]
    assert "Redis cannot be reached (ConnectionError)." in said[3]
    assert {answer.status_code for answer in (late, stuck, down, alone)} == {503}
    assert down["Retry-After"] == "30"
    assert "secret" not in alone.content.decode()


def test_a_held_service_is_ready_because_somebody_wants_it_so(client: Client) -> None:
    Heartbeat.beat(Heartbeat.TICK)
    make_reader(next_due_at=timezone.now() - timedelta(minutes=20))
    Hold.objects.create(mail_service="", reason="Paused by an operator")

    assert client.get("/ready").status_code == 200


def test_figures_need_a_token(client: Client, settings: Settings) -> None:
    for header in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 401
    settings.METRICS_TOKEN = []
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_the_figures_are_those_of_the_rows(client: Client) -> None:
    a_morning(held=True)

    found = figures(client)

    for state, number in STATES.items():
        assert found[f"broadsheet_digests_today[{state}]"] == number
    assert found["broadsheet_skipped_today[thin]"] == 2
    assert found["broadsheet_held_until_released[smtp]"] == 1
    assert found["broadsheet_reader_acts_total[one_click]"] == 8
    assert found["broadsheet_queue_served[digests]"] == 1
    assert found["broadsheet_quota_used[smtp]"] == 4200
    assert found["broadsheet_up[database]"] == 1


def test_what_is_down_is_a_figure_too(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with no_database():
        found = figures(client)

    assert (found["broadsheet_up[database]"], found["broadsheet_up[redis]"]) == (0, 0)


def test_every_figure_that_the_rules_and_the_dashboard_name_exists(client: Client) -> None:
    a_morning(held=True)
    make_reader()
    rules = re.findall(r"^ +expr: (.+)$", (MONITORING / "alerts.yaml").read_text(), re.M)
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    there = set(re.findall(r"^# TYPE (broadsheet_\w+)", answer, re.M))

    named = set(re.findall(r"broadsheet_\w+", " ".join([*rules, *shown])))

    assert len(rules) > 8
    assert named - there == set()
    assert there - named == {"broadsheet_queue_served", "broadsheet_held"} - named


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")
def test_prometheus_takes_the_rules() -> None:
    checked = subprocess.run(
        ["promtool", "check", "rules", MONITORING / "alerts.yaml"], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
