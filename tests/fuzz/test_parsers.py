"""Every reader of foreign bytes against its corpus, and against mutants of it for a while."""

import random
import time

import pytest

from loadtest.fuzz.broken import mutant
from loadtest.fuzz.kept import CORPUS, PROTOCOLS, corpus, kept, read
from loadtest.fuzz.mutator import BYTES_MAX, mutated, mutated_text
from tests.fuzz import hunt, targets
from tests.fuzz.seeds import made

pytestmark = pytest.mark.adapter

HUNT_S = 2.0
"""For each target; about twenty seconds in all."""
INPUTS = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))


def test_every_protocol_has_a_target_and_a_corpus() -> None:
    assert set(PROTOCOLS) == set(targets.TARGETS) == {path.name for path in CORPUS.iterdir()}
    assert all(corpus(protocol) for protocol in PROTOCOLS)


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_that_is_kept_is_taken_or_refused_as_promised(name: str) -> None:
    protocol = name.partition("/")[0]

    assert hunt.finding_of(protocol, read(CORPUS / name)) is None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_mutant_breaks_a_promise(protocol: str) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    until = time.monotonic() + HUNT_S
    tried = 0
    while time.monotonic() < until:
        data = mutant(protocol, chance)
        tried += 1
        assert hunt.finding_of(protocol, data) is None, f"seed {seed}, number {tried}: {data.hex()}"
    assert tried > 1


def test_a_parser_that_breaks_its_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(data: bytes) -> None:
        assert data[:1] != b"\xff", "a byte that it cannot stand"

    monkeypatch.setattr(hunt, "TARGETS", {**targets.TARGETS, "rtp": fragile})
    found = next(finding for _, finding in hunt.hunted(1) if finding is not None)

    assert found.target == "rtp"
    assert found.data_hex.startswith("ff")
    assert hunt.finding_of("rtp", bytes.fromhex(found.data_hex)) == found


def test_the_seed_alone_decides_the_mutants() -> None:
    def some(seed: int) -> list[bytes]:
        chance = random.Random(seed)
        return [mutant(protocol, chance) for protocol in PROTOCOLS for _ in range(20)]

    assert some(7) == some(7)
    assert some(7) != some(8)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_most_mutants_differ_from_what_they_were_made_of(protocol: str) -> None:
    chance = random.Random(3)
    mutants = {mutant(protocol, chance) for _ in range(200)}

    assert len(mutants - set(corpus(protocol))) > 100


def test_mutants_of_nothing_and_of_much_stay_within_the_bound() -> None:
    chance = random.Random(5)

    for seed in (b"", b"x", bytes(BYTES_MAX)):
        assert all(len(mutated(seed, [seed, b""], chance)) <= BYTES_MAX for _ in range(200))
    for text in ("", "a:b", "v=0\r\n" * 400):
        assert all(isinstance(mutated_text(text, [text], chance), str) for _ in range(50))


def test_the_committed_corpus_is_what_the_code_writes() -> None:
    changing = {"check"}  # its transaction and tie-breaker are random
    for protocol in PROTOCOLS:
        for name, data in made(protocol).items():
            if name not in changing:
                assert read(kept(protocol, name)) == data, f"{protocol}/{name}"
