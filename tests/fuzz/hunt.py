"""Mutants against every parser in this process: `python -m tests.fuzz.hunt --seconds 20 --seed 1`.

Decides how time is shared between targets and what is told of a finding: its
bytes in hexadecimal, which replay it. Time bounds the hunt; the seed alone
decides which mutants come in which order.
Never judges (`targets.py`).
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random

from loadtest.fuzz.broken import mutant
from tests.fuzz.targets import TARGETS

ROUND = 50
"""Mutants of one target before the next has its turn."""
FINDINGS_MAX = 20
"""More of them tell nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One input that broke its target's promise."""

    target: str
    error: str
    data_hex: str


def finding_of(protocol: str, data: bytes) -> Finding | None:
    """What is wrong with how a target takes `data`; None where nothing is."""
    try:
        TARGETS[protocol](data)
    except Exception as error:
        return Finding(target=protocol, error=repr(error)[:300], data_hex=data.hex())
    return None


def hunted(seed: int) -> Iterator[tuple[str, Finding | None]]:
    """(target, finding) of one mutant after the other, without end."""
    chance = Random(seed)
    while True:
        for protocol in TARGETS:
            for _ in range(ROUND):
                yield protocol, finding_of(protocol, mutant(protocol, chance))


def main() -> int:
    """Hunt for as long as asked; print how many and what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    until = time.monotonic() + asked.seconds
    executions = dict.fromkeys(TARGETS, 0)
    findings: list[Finding] = []
    for protocol, finding in hunted(asked.seed):
        executions[protocol] += 1
        if finding is not None:
            findings.append(finding)
        if time.monotonic() > until or len(findings) >= FINDINGS_MAX:
            break
    found = [asdict(finding) for finding in findings]
    print(json.dumps({"executions": executions, "seed": asked.seed, "findings": found}))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
