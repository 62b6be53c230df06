"""Whether a session's evidence is what the gateway sealed at the time.

Decides, from the evidence entries and the session's proofs alone, that every
sealed byte is still the same and that each seal is signed. Checking signatures
is handed in. What is not sealed yet is counted, not complained about.
Never needs another session's evidence; that is the use of the tree (`seal.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError
from gateway.ids import SessionId
from gateway.metering import receipt as receipts
from gateway.metering.seal import SEAL_VERSION, Proof, leaf, proof_from, root_by

CheckSignature = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) → whether the signature holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealFinding:
    """What came of checking the proofs."""

    problems: tuple[str, ...]
    sealed_bytes: int
    """Bytes of evidence under valid seals."""
    unsealed_bytes: int
    """Bytes that came after the last seal."""


def problems_of_seals(
    evidence_file: bytes,
    proofs_file: bytes,
    *,
    check_signature: CheckSignature,
    expected_key: bytes | None = None,
) -> SealFinding:
    """Check an evidence bundle against its proofs, both in the canonical form they are issued in."""
    try:
        evidence = receipts.read(evidence_file, "evidence")
        body = receipts.read(proofs_file, "seals")
        entries = b"".join(bytes.fromhex(entry) for entry in evidence["entries"])
        proofs = [proof_from(each) for each in body["proofs"]]
        problems = list(_about(body, evidence))
        problems += _chunks(SessionId(evidence["session"]), entries, proofs)
        problems += _signatures(proofs, check_signature, expected_key)
    except GatewayError as error:
        return SealFinding(problems=(str(error),), sealed_bytes=0, unsealed_bytes=0)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        lacks = f"The proofs lack something they must have: {error!r}."
        return SealFinding(problems=(lacks,), sealed_bytes=0, unsealed_bytes=0)
    sealed = min(sum(proof.length for proof in proofs), len(entries))
    return SealFinding(problems=tuple(problems), sealed_bytes=sealed, unsealed_bytes=len(entries) - sealed)


def _about(body: Mapping[str, Any], evidence: Mapping[str, Any]) -> Iterator[str]:
    if body["version"] != SEAL_VERSION:
        yield "The proofs are not of the version that this program knows."
    if body["session"] != evidence["session"]:
        yield "The proofs belong to another session."


def _chunks(session: SessionId, entries: bytes, proofs: Sequence[Proof]) -> Iterator[str]:
    at = 0
    for proof in proofs:
        seal = proof.seal
        if proof.first_byte != at:
            yield f"Seal {seal.number} begins at byte {proof.first_byte}, the one before ended at {at}."
        at = proof.first_byte + proof.length
        if at > len(entries):
            yield f"Seal {seal.number} covers more evidence than there is."
            return
        root = root_by(
            leaf(session, proof.first_byte, entries[proof.first_byte : at]),
            position=proof.position,
            leaves=seal.leaves,
            path=[bytes.fromhex(sibling) for sibling in proof.path],
        )
        if root is None or root.hex() != seal.root:
            yield f"Bytes {proof.first_byte} to {at} are not what seal {seal.number} sealed."


def _signatures(
    proofs: Sequence[Proof], check_signature: CheckSignature, expected_key: bytes | None
) -> Iterator[str]:
    for proof in proofs:
        seal = proof.seal
        key = bytes.fromhex(seal.public_key)
        if expected_key is not None and key != expected_key:
            yield f"Seal {seal.number} was made with another key than the one expected."
        if not check_signature(key, seal.signed_part(), bytes.fromhex(seal.signature)):
            yield f"The signature of seal {seal.number} does not fit."
