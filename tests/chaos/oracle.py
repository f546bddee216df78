"""What must hold when a round is over: the rows against the ledger."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.models import Digest
from subscribers.models import Subscriber

from .faults import Scene
from .processes import Entry

State = Digest.State
# A message that the mail server took must stand on a row in one of these.
EXPLAINED = (State.SENT, State.UNCERTAIN, State.ASSUMED)
IN_DOUBT = (State.UNCERTAIN, State.ASSUMED)
# So many offending rows are shown of each kind.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A round's figures, and each rule that was broken with the rows that break it.

    `taken_in_doubt` are the rows in doubt whose mail the ledger has: what a second try of them
    would have doubled.
    """

    states: Counter[str]
    mails: int
    doubles: int
    lost: int
    in_doubt: int
    taken_in_doubt: int
    violations: Sequence[str]


def judge(scene: Scene, entries: Sequence[Entry]) -> Verdict:
    """Compare every row with every line of the ledger."""
    accepted = [entry for entry in entries if entry.verdict == "accepted"]
    mails = Counter(entry.uuid for entry in accepted)
    tries = Counter(entry.uuid for entry in entries)
    rows = list(Digest.objects.select_related("subscriber").order_by("pk"))
    by_uuid = {row.uuid.hex: row for row in rows}
    doubles = [uuid for uuid, number in mails.items() if number > 1]
    lost = [row for row in rows if row.state == State.SENT and not mails[row.uuid.hex]]
    states = Counter(row.state for row in rows)
    in_doubt = sum(states[state] for state in IN_DOUBT)
    taken = sum(1 for row in rows if row.state in IN_DOUBT and mails[row.uuid.hex])
    findings = {
        "a reader got one edition twice": [_show(by_uuid.get(uuid), uuid) for uuid in doubles],
        "a mail of which nothing was known was tried again": [
            _show(by_uuid.get(uuid), uuid) for uuid, number in tries.items() if number > 1
        ],
        "a row is sent and the ledger has no mail": [_show(row) for row in lost],
        "a mail stands on no row that explains it": [
            _show(by_uuid.get(uuid), uuid)
            for uuid in mails
            if uuid not in by_uuid or by_uuid[uuid].state not in EXPLAINED
        ],
        "a mail went to another address than its reader's": [
            _show(by_uuid.get(entry.uuid), entry.uuid)
            for entry in accepted
            if entry.uuid in by_uuid and entry.recipient != _address(by_uuid[entry.uuid])
        ],
        "a row is not settled": [
            _show(row) for row in rows if row.state in {State.READY, State.SENDING}
        ],
        "a row was skipped without a reason": [
            _show(row) for row in rows if row.state == State.SKIPPED and not row.skip_reason
        ],
        "a row holds a lease that nobody has": [
            _show(row) for row in rows if row.lease_token and row.state not in IN_DOUBT
        ],
        "an active reader has no row": _unplanned(),
        "a reader was marked after leaving": list(_marked_after_leaving(scene, rows)),
        f"more than {scene.doubt} rows in doubt": [
            f"{in_doubt}, such as {_show(row)}"
            for row in rows
            if in_doubt > scene.doubt and row.state in IN_DOUBT
        ],
    }
    violations = [
        f"{rule} ({len(found)}): {'; '.join(found[:SHOWN])}"
        for rule, found in findings.items()
        if found
    ]
    return Verdict(states, len(accepted), len(doubles), len(lost), in_doubt, taken, violations)


def _unplanned() -> list[str]:
    without = Subscriber.objects.active().filter(digests=None).order_by("pk")
    return [f"reader {pk}" for pk in without.values_list("pk", flat=True)]


def _marked_after_leaving(scene: Scene, rows: Sequence[Digest]) -> Iterator[str]:
    """`handed_over_at` is when the marking transaction began: all that was committed before
    then, it must have seen."""
    for row in rows:
        left_at = scene.left.get(row.subscriber_id or 0)
        if left_at and row.handed_over_at and row.handed_over_at > left_at:
            yield f"{_show(row)} handed over {row.handed_over_at}, left {left_at}"


def _address(row: Digest) -> str:
    return row.subscriber.email if row.subscriber else ""


def _show(row: Digest | None, uuid: str = "") -> str:
    if row is None:
        return f"{uuid} (no row)"
    parts = (row.pk, row.state, row.skip_reason, f"{row.attempts} attempts", row.error)
    return " ".join(str(part) for part in parts if part)
