"""The tree over everybody's evidence, and what one session can prove of it."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import SessionId
from gateway.metering import receipt as receipts
from gateway.metering.adapters.receipt_key import is_signed
from gateway.metering.seal import (
    NO_SEAL,
    Proof,
    Seal,
    leaf,
    path_of,
    proof_from,
    proofs_body,
    root_by,
    root_of,
)
from gateway.metering.seal_verification import problems_of_seals
from tests.metering.fakes import FakeSigner

pytestmark = pytest.mark.core

ENTRIES = tuple(bytes([number]) * 50 for number in range(6))


def sealed(session: str, first_byte: int, chunk: bytes, *, number: int = 1) -> Proof:
    """A proof of a chunk that shares its seal with two other sessions."""
    signer = FakeSigner()
    leaves = [b"a" * 32, leaf(SessionId(session), first_byte, chunk), b"c" * 32]
    unsigned = Seal(
        number=number,
        first_row=number,
        last_row=number,
        leaves=3,
        root=root_of(leaves).hex(),
        previous=NO_SEAL,
        at_wall_ns=1,
        key_id=signer.key_id,
        public_key=signer.public_key.hex(),
    )
    seal = replace(unsigned, signature=signer.sign(unsigned.signed_part()).hex())
    path = tuple(sibling.hex() for sibling in path_of(leaves, 1))
    return Proof(seal=seal, position=1, first_byte=first_byte, length=len(chunk), path=path)


def files(proofs: list[Proof], entries: tuple[bytes, ...] = ENTRIES) -> tuple[bytes, bytes]:
    """Evidence bundle and proofs as they are issued."""
    bundle = {"version": 1, "session": "ses_1", "entries": [entry.hex() for entry in entries]}
    return receipts.canonical(bundle), receipts.canonical(proofs_body(SessionId("ses_1"), proofs))


def two_seals() -> list[Proof]:
    """Four entries under the first seal, one under the second, one not sealed yet."""
    return [
        sealed("ses_1", 0, b"".join(ENTRIES[:4])),
        sealed("ses_1", 200, ENTRIES[4], number=2),
    ]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_every_leaf_proves_the_root_and_no_other_leaf_does(leaves: list[bytes], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(leaves) - 1))
    path = path_of(leaves, position)

    assert root_by(leaves[position], position=position, leaves=len(leaves), path=path) == root_of(leaves)
    wrong = hashlib.sha256(leaves[position]).digest()
    assert root_by(wrong, position=position, leaves=len(leaves), path=path) != root_of(leaves)
    first, second, third = (hashlib.sha256(bytes([number])).digest() for number in range(3))

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    assert root_of([]) == hashlib.sha256(b"").digest()
    assert root_of([first]) == first
    assert root_of([first, second, third]) == node(node(first, second), third)
    assert path_of([first, second, third], 2) == (node(first, second),)
    assert path_of([first, second, third], 0) == (second, third)


def test_a_path_of_the_wrong_length_leads_nowhere() -> None:
    assert root_by(b"l" * 32, position=0, leaves=1, path=[b"x" * 32]) is None
    assert root_by(b"l" * 32, position=0, leaves=2, path=[]) is None
    assert root_by(b"l" * 32, position=2, leaves=2, path=[b"x" * 32]) is None


def test_sealed_evidence_holds_and_what_came_later_is_counted() -> None:
    finding = problems_of_seals(*files(two_seals()), check_signature=is_signed)

    assert finding.problems == ()
    assert (finding.sealed_bytes, finding.unsealed_bytes) == (250, 50)


def test_proofs_survive_being_written_down() -> None:
    proof = two_seals()[0]

    body = proofs_body(SessionId("ses_1"), [proof])

    assert proof_from(body["proofs"][0]) == proof


@pytest.mark.parametrize("entry", range(5))
def test_a_changed_entry_is_seen(entry: int) -> None:
    changed = list(ENTRIES)
    changed[entry] = b"\xff" + changed[entry][1:]

    finding = problems_of_seals(*files(two_seals(), tuple(changed)), check_signature=is_signed)

    assert len(finding.problems) == 1


def test_a_cut_record_is_seen() -> None:
    finding = problems_of_seals(*files(two_seals(), ENTRIES[:3]), check_signature=is_signed)

    assert finding.problems == ("Seal 1 covers more evidence than there is.",)


def test_a_seal_left_out_is_seen() -> None:
    finding = problems_of_seals(*files(two_seals()[1:]), check_signature=is_signed)

    assert finding.problems == ("Seal 2 begins at byte 200, the one before ended at 0.",)


def test_a_changed_seal_and_a_foreign_key_are_seen() -> None:
    proof = two_seals()[0]
    later = replace(proof, seal=replace(proof.seal, at_wall_ns=2))

    forged = problems_of_seals(*files([later]), check_signature=is_signed)
    foreign = problems_of_seals(*files([proof]), check_signature=is_signed, expected_key=bytes(32))

    assert forged.problems == ("The signature of seal 1 does not fit.",)
    assert foreign.problems == ("Seal 1 was made with another key than the one expected.",)


def test_proofs_of_another_session_and_broken_ones_are_named() -> None:
    evidence, _ = files(two_seals())
    other = receipts.canonical(proofs_body(SessionId("ses_2"), two_seals()))
    broken = receipts.canonical({"version": 1, "session": "ses_1", "proofs": [{}]})

    assert "another session" in problems_of_seals(evidence, other, check_signature=is_signed).problems[0]
    assert "lack something" in problems_of_seals(evidence, broken, check_signature=is_signed).problems[0]
    assert "not JSON" in problems_of_seals(evidence, b"x", check_signature=is_signed).problems[0]
