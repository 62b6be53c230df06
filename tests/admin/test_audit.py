"""A chain tells where it was tampered with."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.admin.audit import GENESIS, AuditEntry, AuditRecord, check_chain, sealed

pytestmark = pytest.mark.core

Tampering = Callable[[list[AuditRecord]], list[AuditRecord]]


def entry(number: int) -> AuditEntry:
    return AuditEntry(
        who="acc_operator",
        what="session.end",
        subject=f"ses_{number}",
        why=f"reason {number}",
        at_wall_ns=number,
    )


def chain(length: int) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    before = GENESIS
    for number in range(1, length + 1):
        records.append(sealed(number, entry(number), before=before))
        before = records[-1].hash
    return records


def with_changed_reason(records: list[AuditRecord]) -> list[AuditRecord]:
    forged = replace(records[1], entry=replace(records[1].entry, why="another reason"))
    return [records[0], forged, *records[2:]]


def with_resealed_entry(records: list[AuditRecord]) -> list[AuditRecord]:
    forged = sealed(2, replace(records[1].entry, who="acc_other"), before=records[0].hash)
    return [records[0], forged, *records[2:]]


def with_entry_missing(records: list[AuditRecord]) -> list[AuditRecord]:
    return [records[0], *records[2:]]


def with_entries_swapped(records: list[AuditRecord]) -> list[AuditRecord]:
    return [records[0], records[2], records[1], records[3]]


def test_an_untouched_chain_verifies_to_its_head() -> None:
    records = chain(4)

    check = check_chain(records, head=records[-1].hash)

    assert (check.ok, check.entries, check.head) == (True, 4, records[-1].hash)


def test_an_empty_chain_verifies() -> None:
    assert check_chain([]).head == GENESIS


@pytest.mark.parametrize(
    ("tamper", "broken_at"),
    [
        (with_changed_reason, 2),
        (with_resealed_entry, 3),
        (with_entry_missing, 2),
        (with_entries_swapped, 2),
    ],
)
def test_tampering_is_found_at_the_first_entry_that_does_not_fit(tamper: Tampering, broken_at: int) -> None:
    check = check_chain(tamper(chain(4)))

    assert (check.ok, check.broken_at, check.entries) == (False, broken_at, broken_at - 1)


def test_a_chain_cut_off_at_its_end_is_told_by_a_head_noted_elsewhere() -> None:
    records = chain(4)

    assert check_chain(records[:3]).ok
    assert check_chain(records[:3], head=records[-1].hash).broken_at == 4


@pytest.mark.parametrize("field", ["who", "what", "subject", "why"])
def test_every_part_of_an_entry_is_sealed(field: str) -> None:
    changed = replace(entry(1), **{field: "x"})

    assert sealed(1, changed, before=GENESIS).hash != sealed(1, entry(1), before=GENESIS).hash
    assert (
        sealed(1, replace(entry(1), at_wall_ns=2), before=GENESIS).hash
        != sealed(1, entry(1), before=GENESIS).hash
    )
