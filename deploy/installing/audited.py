"""Says in words what pip-audit found: ``python deploy/installing/audited.py REPORT``.

pip-audit also passes over packages that its database does not answer for, for example behind a
mirror that has packages and no database, and ends well. Here those are counted: of them nobody can
tell.
Exits with 1 if a hole is known, and with 2 if nothing can be told. Needs nothing but Python.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def words_of(report: Mapping[str, Any]) -> tuple[int, str]:
    """Return the exit code, and what was found."""
    packages = report["dependencies"]
    unknown = [one for one in packages if "skip_reason" in one]
    holes = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in packages
        for hole in one.get("vulns", [])
    ]
    lines = [
        *holes,
        f"{len(packages) - len(unknown)} packages asked about, {len(holes)} holes known.",
    ]
    if unknown:
        names = ", ".join(one["name"] for one in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        lines.append(f"Cannot tell for {names}{more}: the database does not answer for them.")
    code = 1 if holes else 2 if len(unknown) == len(packages) else 0
    return code, "\n".join(lines)


def main(path: Path) -> int:
    try:
        code, words = words_of(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        code, words = 2, "Cannot tell: the database of known holes cannot be reached."
    sys.stdout.write(f"{words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
