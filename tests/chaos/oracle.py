"""What must hold when a round is over: compares the rows with the ledger."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.models import Digest
from subscribers.models import Subscriber

from .faults import Scene
from .processes import LedgerLine

State = Digest.State
# The row of a message that the mail server accepted must be in one of these states.
EXPLAINED = (State.SENT, State.UNCERTAIN, State.ASSUMED)
IN_DOUBT = (State.UNCERTAIN, State.ASSUMED)
# How many offending rows to show for each rule.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """A round's figures, and each broken rule with the rows that break it.

    `taken_in_doubt` counts rows in doubt whose mail is in the ledger. Sending them again would
    have sent them twice.
    """

    states: Counter[str]
    mails: int
    doubles: int
    lost: int
    in_doubt: int
    taken_in_doubt: int
    violations: Sequence[str]


def judge(scene: Scene, lines: Sequence[LedgerLine]) -> Verdict:
    """Compare every row with every line of the ledger."""
    accepted = [line for line in lines if line.verdict == "accepted"]
    mails = Counter(line.uuid for line in accepted)
    rows = list(Digest.objects.select_related("subscriber").order_by("pk"))
    states = Counter(row.state for row in rows)
    in_doubt = [row for row in rows if row.state in IN_DOUBT]
    findings = {
        **_wrong_mails(rows, lines, accepted),
        **_wrong_rows(rows),
        "a row says sent, but the ledger has no mail": [_show(row) for row in _lost(rows, mails)],
        "an active reader has no row": _unplanned(),
        "a digest was marked after its reader had left": list(_marked_after_leaving(scene, rows)),
        f"more than {scene.doubt} rows in doubt": [
            f"{len(in_doubt)}, such as {_show(row)}"
            for row in in_doubt
            if len(in_doubt) > scene.doubt
        ],
    }
    violations = [
        f"{rule} ({len(found)}): {'; '.join(found[:SHOWN])}"
        for rule, found in findings.items()
        if found
    ]
    return Verdict(
        states=states,
        mails=len(accepted),
        doubles=sum(number > 1 for number in mails.values()),
        lost=len(_lost(rows, mails)),
        in_doubt=len(in_doubt),
        taken_in_doubt=sum(mails[row.uuid.hex] > 0 for row in in_doubt),
        violations=violations,
    )


def _wrong_mails(
    rows: Sequence[Digest], lines: Sequence[LedgerLine], accepted: Sequence[LedgerLine]
) -> dict[str, list[str]]:
    """Mails that should not have been sent, by the rule they break."""
    by_uuid = {row.uuid.hex: row for row in rows}
    mails = Counter(line.uuid for line in accepted)
    tries = Counter(line.uuid for line in lines)
    return {
        "a reader received one edition twice": [
            _show(by_uuid.get(uuid), uuid) for uuid, number in mails.items() if number > 1
        ],
        "a mail with an unknown outcome was tried again": [
            _show(by_uuid.get(uuid), uuid) for uuid, number in tries.items() if number > 1
        ],
        "a mail has no row that explains it": [
            _show(by_uuid.get(uuid), uuid)
            for uuid in mails
            if uuid not in by_uuid or by_uuid[uuid].state not in EXPLAINED
        ],
        "a mail went to an address other than its reader's": [
            _show(by_uuid.get(line.uuid), line.uuid)
            for line in accepted
            if line.uuid in by_uuid and line.recipient != _address(by_uuid[line.uuid])
        ],
    }


def _wrong_rows(rows: Sequence[Digest]) -> dict[str, list[str]]:
    """Rows that are wrong in themselves, by the rule they break."""
    return {
        "a row is not settled": [
            _show(row) for row in rows if row.state in {State.READY, State.SENDING}
        ],
        "a row was skipped without a reason": [
            _show(row) for row in rows if row.state == State.SKIPPED and not row.skip_reason
        ],
        "a row still has a lease": [
            _show(row) for row in rows if row.lease_token and row.state not in IN_DOUBT
        ],
    }


def _lost(rows: Sequence[Digest], mails: Counter[str]) -> list[Digest]:
    return [row for row in rows if row.state == State.SENT and not mails[row.uuid.hex]]


def _unplanned() -> list[str]:
    without = Subscriber.objects.active().filter(digests=None).order_by("pk")
    return [f"reader {pk}" for pk in without.values_list("pk", flat=True)]


def _marked_after_leaving(scene: Scene, rows: Sequence[Digest]) -> Iterator[str]:
    """Rows handed over after their reader had left.

    `handed_over_at` is the start of the marking transaction, which must have seen everything
    committed before.
    """
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
