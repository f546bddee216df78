"""Writes deploy/SETTINGS.md, the reference of all settings: `make settings`.

The words are those of ``deploy/env.example``, which also says what is required and shows an example
where there is no default; from the code come what a variable allows and whether there is a default.
So there is one text. Needs nothing but Python.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[1]
TARGET = DEPLOY / "SETTINGS.md"
HEAD = """\
# Settings

Made from `deploy/env.example` and the code by `make settings`; change those. Each is an environment
variable, or a line in `.env`. Any `NAME` can be given as `NAME_FILE` instead, the path of a file
that holds the value. A missing or invalid value stops the start with the variable's name.
"""
_SECTION = re.compile(r"# --- (?P<title>.*?) -{3,}")
_LINE = re.compile(r"(?P<comment>#?)(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>.*)")
# What a call reads that gives no default.
_NO_DEFAULT = {"rates", "mail_services", "starting_with"}


@dataclass(frozen=True, slots=True)
class Read:
    """How the code reads a variable: whether it has a default, and what it allows."""

    has_default: bool
    allowed: str


@dataclass
class Group:
    """A comment and the variables below it."""

    section: str
    words: list[str] = field(default_factory=list)
    lines: list[re.Match[str]] = field(default_factory=list)


def reads() -> dict[str, Read]:
    """How the settings read each variable, by its name."""
    found: dict[str, Read] = {}
    for file in sorted((DEPLOY / "settings").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("env"), attr=kind),
                    args=[ast.Constant(str(name)), *more],
                ):
                    named = {one.arg: one.value for one in node.keywords if one.arg}
                    found[name] = _read(kind, [*more, *filter(None, [named.get("default")])], named)
    return found


def _read(kind: str, defaults: list[ast.expr], named: Mapping[str, ast.expr]) -> Read:
    default = defaults[0] if defaults else None
    is_empty = default is None or ast.unparse(default) in {"''", "[]", "{}", "None"}
    return Read(not is_empty, _allowed(kind, named))


def _allowed(kind: str, named: Mapping[str, ast.expr]) -> str:
    if kind == "boolean":
        return "0 or 1"
    match named.get("among"):
        case ast.Tuple(elts) if words := [one for one in map(_constant, elts) if one]:
            return ", ".join(words)
    given = {name: _constant(value) for name, value in named.items()}
    least, most = given.get("least"), given.get("most")
    if kind == "integer":
        least = least or "0"
    if least and most:
        return f"{least} to {most}"
    return f"{least} or more" if least else ""


def _constant(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else ""


def groups(example: str) -> Iterator[Group]:
    """The parts of the example file, in its order."""
    section, group = "", Group("")
    for line in example.splitlines():
        variable, title = _LINE.fullmatch(line), _SECTION.match(line)
        if variable:
            group.lines.append(variable)
            continue
        if group.lines:
            yield group
            group = Group(section)
        if title:
            section = title["title"]
            group = Group(section)
        elif line.startswith("#"):
            group.words.append(line.removeprefix("#").strip())
        else:
            group = Group(section)
    if group.lines:
        yield group


def table() -> str:
    """The whole reference."""
    known, section, parts = reads(), "", [HEAD]
    for group in groups((DEPLOY / "env.example").read_text()):
        if group.section != section:
            section = group.section
            parts.append(f"\n## {section[:1].upper()}{section[1:]}\n")
        parts.append(_part(group, known))
    return "\n".join(parts)


def _part(group: Group, known: Mapping[str, Read]) -> str:
    rows = ["| variable | default | allowed |", "|---|---|---|"]
    for line in group.lines:
        read = known.get(line["name"], Read(has_default=False, allowed=""))
        value = line["value"].replace("|", "\\|")
        if not line["comment"]:
            is_key = line["name"].endswith("_KEY")  # nothing starts with the example's
            shown = "**required**" if is_key else f"**required**, such as `{value}`"
        else:
            shown = f"`{value}`" if read.has_default else f"none; such as `{value}`"
        rows.append(f"| `{line['name']}` | {shown} | {read.allowed} |")
    words = " ".join(group.words)
    return "\n".join([words, "", *rows, ""] if words else [*rows, ""])


if __name__ == "__main__":
    TARGET.write_text(table())
    sys.stdout.write(f"{TARGET}\n")
