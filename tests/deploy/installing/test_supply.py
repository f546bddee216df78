"""What we depend on: under which licences, and what an audit can tell."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from deploy.installing import audited

ROOT = Path(__file__).resolve().parents[3]
# What an operator may use and pass on without publishing their own changes. LGPL and MPL bind only
# changes to these packages themselves.
ALLOWED = re.compile(
    r"0BSD|Apache|BSD|CC0-1\.0|ISC|LGPL|MIT|MPL|Mozilla Public License|PSF|Unlicense|Zlib|Zope"
    r"|Python Software Foundation",
)
# Their metadata names none; their files say which it is.
SAID_ELSEWHERE = {"axe-playwright-python": "MIT"}
# A licence that none of the above allows, alone or with others.
REFUSED = re.compile(r"(?<!L)GPL|Affero|Commons Clause|SSPL|BUSL|Proprietary|Non-?Commercial", re.I)


def licence_of(name: str) -> str | None:
    """What the package says of itself; None if it is not for this machine."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    classifiers = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier", [])
        if one.startswith("License :: ") and not one.endswith("OSI Approved")
    ]
    [text, *_more] = said.get_all("License-Expression", []) or said.get_all("License", []) or [""]
    is_expression = "License-Expression" in said
    return text if is_expression else "; ".join(classifiers) or text.split("\n")[0]


def locked(file: str) -> list[str]:
    return re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / file).read_text(), re.MULTILINE)


def test_every_dependency_has_a_licence_that_we_allow() -> None:
    names = {*locked("requirements.lock"), *locked("requirements-dev.lock")}
    found = {
        name: SAID_ELSEWHERE.get(name, said)
        for name in names
        if (said := licence_of(name)) is not None
    }

    assert len(found) > 100
    assert {name: said for name, said in found.items() if not ALLOWED.search(said)} == {}
    assert {name: said for name, said in found.items() if REFUSED.search(said)} == {}


@pytest.mark.parametrize(
    "said", ["GPL-3.0-only", "GNU Affero General Public License v3", "SSPL-1.0"]
)
def test_a_licence_that_binds_operators_is_refused(said: str) -> None:
    assert REFUSED.search(said) or not ALLOWED.search(said)


FINE = {"name": "a", "version": "1", "vulns": []}
HOLE = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([FINE], 0, "1 packages asked about, 0 holes known."),
        ([FINE, HOLE], 1, "b 2: CVE-1, mended in 2.1\n2 packages asked about, 1 holes known."),
        ([FINE, SKIPPED], 0, "Cannot tell for c"),
        ([SKIPPED] * 7, 2, "and 2 more"),
    ],
)
def test_an_audit_says_what_it_cannot_tell(packages: list[object], code: int, words: str) -> None:
    found, said = audited.words_of({"dependencies": packages})

    assert found == code
    assert words in said


def test_without_a_report_nothing_can_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text(json.dumps({"other": 1}))

    assert [audited.main(tmp_path / name) for name in ("none.json", "broken.json")] == [2, 2]
    assert "Cannot tell" in capsys.readouterr().out
