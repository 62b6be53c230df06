"""Fuzzes the canonical decoder of evidence: `python -m tests.fuzz.evidence --seconds 30 --seed 1`.

`decode_everything` must either refuse its bytes as malformed or re-encode what
it read to the same bytes; anything else is a finding. Mutants start from valid
entries of both versions, so that most of them get past tag and length.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator

from gateway.errors import Malformed
from gateway.metering.evidence import (
    Anchor,
    AnchorKind,
    decode,
    encode_anchor,
    encode_tick,
    split_entries,
)
from gateway.metering.tick import Tick, TickFinding
from gateway.terms import ConsentKind, EndReason, SuspendReason

U32, U64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def decode_everything(data: bytes) -> bytes:
    """What `data` reads as, written again.

    Raises:
        Malformed: it is no evidence.
    """
    return b"".join(_written(decode(entry), version=entry[1]) for entry in split_entries(data))


def _written(found: Tick | Anchor, *, version: int) -> bytes:
    if isinstance(found, Tick):
        return encode_tick(found, version=version)
    return encode_anchor(found, version=version)


def some_tick(chance: random.Random, version: int) -> bytes:
    """A slot that the encoder writes."""
    finding = chance.choice(list(TickFinding))
    is_witnessed = finding in (TickFinding.BILLED, TickFinding.FREE)
    tick = Tick(
        number=chance.randint(0, U32),
        finding=finding,
        media=(chance.random() < 0.5, chance.random() < 0.5),
        apps=(chance.random() < 0.5, chance.random() < 0.5),
        paused_by=chance.choice(list(SuspendReason)) if finding is TickFinding.PAUSED else None,
        ended_at_ns=chance.randint(0, U64),
        ended_wall_ns=chance.randint(0, U64),
        acked=(chance.randint(0, U32), chance.randint(0, U32)),
        rtp_packets=(chance.randint(0, U32), chance.randint(0, U32)),
        rtp_span=(chance.randint(0, U32), chance.randint(0, U32)),
        app_clock_ms=(chance.randint(0, U32), chance.randint(0, U32)),
        period=chance.randint(0, 255),
        messages=chance.randint(0, 0xFFFF) if is_witnessed else 0,
        short_clocks=chance.randint(0, 15) if finding is TickFinding.UNWITNESSED else 0,
    )
    return encode_tick(tick, version=version)


def some_anchor(chance: random.Random, version: int) -> bytes:
    """An anchor that the encoder writes."""
    kinds = list(AnchorKind) if version > 1 else [AnchorKind.START, AnchorKind.RESTART, AnchorKind.STOP]
    kind = chance.choice(kinds)
    anchor = Anchor(
        kind=kind,
        after_tick=chance.randint(0, U32),
        at_ns=chance.randint(0, U64),
        wall_ns=chance.randint(0, U64),
        boot=chance.randbytes(16),
        reason=chance.choice(list(EndReason)) if kind is AnchorKind.STOP else None,
        consent=chance.choice(list(ConsentKind)) if kind is AnchorKind.CONSENT else None,
    )
    return encode_anchor(anchor, version=version)


def some_bundle(chance: random.Random) -> bytes:
    """A few entries of either version."""
    makers = (some_tick, some_tick, some_anchor)
    return b"".join(chance.choice(makers)(chance, chance.choice((1, 2))) for _ in range(chance.randint(1, 4)))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with a few bytes changed, dropped, doubled or swapped for interesting ones."""
    mutant = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(mutant)) if mutant else 0
        match chance.randrange(5):
            case 0 if mutant:
                mutant[at] ^= 1 << chance.randrange(8)
            case 1 if mutant:
                mutant[at] = chance.choice((0, 1, 2, 3, 4, 5, 6, 0x41, 0x53, 0x7F, 0xFF))
            case 2:
                del mutant[at : at + chance.randint(1, 8)]
            case 3:
                mutant[at:at] = mutant[at : at + chance.randint(1, 40)]
            case _:
                mutant[at:at] = chance.randbytes(chance.randint(1, 4))
    return bytes(mutant)


def finding_of(data: bytes) -> str | None:
    """What is wrong with how `data` is read; None where nothing is."""
    try:
        again = decode_everything(data)
    except Malformed:
        return None
    except Exception as error:
        return f"raised {error!r}"
    return None if again == data else "does not re-encode to itself"


def hunted(seconds: float, seed: int) -> Iterator[tuple[int, bytes, str | None]]:
    """(execution, bytes, finding) until the time is up."""
    chance = random.Random(seed)
    until, execution = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for _ in range(200):
            bundle = some_bundle(chance)
            data = bundle if chance.random() < 0.1 else mutated(bundle, chance)
            execution += 1
            yield execution, data, finding_of(data)


def main() -> int:
    """Hunt for as long as asked; print executions and findings as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    executions, findings = 0, []
    for execution, data, finding in hunted(asked.seconds, asked.seed):
        executions = execution
        if finding is not None:
            findings.append({"bytes": data.hex(), "finding": finding})
    print(json.dumps({"executions": executions, "seed": asked.seed, "findings": findings}))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
