"""``deploy/env.example`` lists exactly the variables that the settings read, with their defaults.

A line that is not commented out is required. A commented line shows the default; if the
default is empty, the line shows an example, which may be anything. A default that is computed
from other settings counts with the defaults of those settings.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
REQUIRED = object()
# What `deploy.env` assumes where a call gives no default.
IMPLIED: dict[str, Any] = {"rates": {}, "mail_services": {}}
LINE = re.compile(r"(?P<comment>#?)(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>.*)")


def defaults_in(settings: str) -> dict[str, Any]:
    """The default of each variable that the settings' source reads through `env`."""
    known: dict[str, Any] = {"max": max}
    defaults: dict[str, Any] = {}
    for statement in ast.parse(settings).body:
        for call in calls_of_env(statement):
            assert isinstance(call.func, ast.Attribute)
            name = ast.literal_eval(call.args[0])
            given = call.args[1:2] + [k.value for k in call.keywords if k.arg == "default"]
            if given:
                code = compile(ast.Expression(given[0]), "settings", "eval")
                default = eval(code, {"__builtins__": {}}, known)
            else:
                default = IMPLIED.get(call.func.attr, REQUIRED)
            defaults[name] = default
            if isinstance(statement, ast.Assign) and statement.value is call:
                (target,) = statement.targets
                assert isinstance(target, ast.Name)
                known[target.id] = default
    return defaults


def source_of_the_settings() -> str:
    """The settings' files, those first that others compute their defaults from."""
    files = sorted((DEPLOY / "settings").glob("*.py"), key=lambda file: file.stem != "mail")
    return "\n".join(file.read_text() for file in files)


def calls_of_env(tree: ast.AST, *, prefixes: bool = False) -> Iterator[ast.Call]:
    """The calls that read one variable, or with `prefixes` those that read all of a prefix."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("env"), attr=kind)):
                if (kind == "starting_with") == prefixes:
                    yield node


def prefixes_in(settings: str, env: str) -> tuple[str, ...]:
    """How the names of variables begin that are not known before the start."""
    tree = ast.parse(settings)
    starting = [ast.literal_eval(c.args[0]) for c in calls_of_env(tree, prefixes=True)]
    built = re.findall(r'f"([A-Z]+(?:_[A-Z]+)*_)\{', env)
    return (*starting, *built)


def shown(default: Any) -> str:
    """A default as one would write it in the file."""
    match default:
        case bool():
            return str(int(default))
        case list():
            return ",".join(default)
        case _:
            return str(default or "")


def problems(settings: str, env: str, example: str) -> list[str]:
    """Where the example file differs from what the settings read."""
    defaults, prefixes = defaults_in(settings), prefixes_in(settings, env)
    lines = {match["name"]: match for match in map(LINE.fullmatch, example.splitlines()) if match}
    found = [f"{name} is missing" for name in defaults if name not in lines]
    for name, line in lines.items():
        if name not in defaults:
            if not name.startswith(prefixes):
                found.append(f"{name} is not read")
        elif (defaults[name] is REQUIRED) != (not line["comment"]):
            found.append(f"{name} is required or optional, and the line says otherwise")
        elif defaults[name] is not REQUIRED:
            default = shown(defaults[name])
            if default and default != line["value"]:
                found.append(f"{name} is {default} by default, not {line['value']}")
    return found


def test_env_example_agrees_with_the_settings() -> None:
    settings = source_of_the_settings()
    env, example = ((DEPLOY / name).read_text() for name in ("env.py", "env.example"))

    assert problems(settings, env, example) == []
    assert len(defaults_in(settings)) > 50
    # Read by env.py itself, and of no use in the file that it names.
    assert re.findall(r'os\.environ\.get\("(\w+)"', env) == ["ENV_FILE"]
    assert "ENV_FILE" in example


SETTINGS = """
KEY = env.secret("KEY")
LIMITS = env.rates("LIMITS")
TIMEOUT = env.integer("TIMEOUT", 20, least=1)
LEASE = timedelta(seconds=env.integer("LEASE", max(300, TIMEOUT * 20)))
IS_ON = env.boolean("IS_ON", default=False)
WORDS = env.words("WORDS", ["a", "b"])
OTHERS = env.starting_with("OTHER_")
"""
ENV = """variable = f"SERVICE_{key}" """
EXAMPLE = """
KEY=example
#LIMITS=3
#TIMEOUT=20
#LEASE=400
#IS_ON=0
#WORDS=a,b
#OTHER_THING=1
#SERVICE_MAIN=1
"""


@pytest.mark.parametrize(
    ("line", "instead", "expected"),
    [
        ("#TIMEOUT=20", "#TIMEOUT=20", []),
        ("#LIMITS=3", "#LIMITS=4", []),
        ("#LIMITS=3", "", ["LIMITS is missing"]),
        ("#IS_ON=0", "#IS_ON=0\n#SURPRISE=1", ["SURPRISE is not read"]),
        ("#TIMEOUT=20", "#TIMEOUT=30", ["TIMEOUT is 20 by default, not 30"]),
        ("#LEASE=400", "#LEASE=300", ["LEASE is 400 by default, not 300"]),
        ("#IS_ON=0", "#IS_ON=1", ["IS_ON is 0 by default, not 1"]),
        ("#WORDS=a,b", "#WORDS=a", ["WORDS is a,b by default, not a"]),
        ("KEY=", "#KEY=", ["KEY is required or optional, and the line says otherwise"]),
    ],
)
def test_difference_is_found(line: str, instead: str, expected: list[str]) -> None:
    assert line in EXAMPLE

    assert problems(SETTINGS, ENV, EXAMPLE.replace(line, instead)) == expected
