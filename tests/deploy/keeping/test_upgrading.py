"""`make upgrade`: each step in its order, and words on what to do when one fails."""

import sys

import pytest

from deploy.keeping import upgrading
from deploy.keeping.upgrading import Left, Step, StepError


def fail() -> None:
    raise StepError("`migrate` failed (1).")


def leave() -> None:
    raise Left("Restart it yourself.")


def test_a_step_that_fails_ends_it_and_says_how_to_go_on_or_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[str] = []
    chosen = [
        Step("Hold", lambda: done.append("held"), ""),
        Step("Migrate", fail, "Each migration is all or nothing."),
        Step("Release", lambda: done.append("released"), ""),
    ]

    assert upgrading.run(chosen, "abc1234") == 1

    said = capsys.readouterr().out
    assert done == ["held"]
    assert "[2/3] Migrate\n✗ `migrate` failed (1).\n\nEach migration is all or nothing." in said
    assert "Sending stays held" in said
    assert "git checkout abc1234 && make install" in said


def test_what_only_a_person_can_do_is_said_and_nothing_is_released() -> None:
    done: list[str] = []
    chosen = [Step("Restart", leave, ""), Step("Release", lambda: done.append("released"), "")]

    assert (upgrading.run(chosen, ""), done) == (3, [])


def test_it_holds_first_and_releases_last() -> None:
    words = [step.words.partition(":")[0] for step in upgrading.steps("v1.2")]

    assert words == [
        *("Hold", "Back up", "Fetch v1.2", "Install", "Migrate the database", "Restart", "Release")
    ]


def test_it_needs_none_of_the_packages_that_it_replaces() -> None:
    """Loaded by its path, as the Makefile does it."""
    code = f"import runpy, sys; runpy.run_path({upgrading.__file__!r}); "
    code += "print([name for name in sys.modules if name.startswith(('django', 'celery'))])"

    assert upgrading._output(sys.executable, "-c", code) == "[]"
