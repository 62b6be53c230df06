"""One broken input of a protocol: a committed seed and a mutation that suits it.

Decides which protocols are broken as text, and how often even those as bytes.
Never chooses the source of chance and never sends (`adversary.py`, `volley.py`,
the hunt of `tests/fuzz`).
"""

from functools import cache
from random import Random

from loadtest.fuzz.kept import corpus
from loadtest.fuzz.mutator import mutated, mutated_text

TEXTS = frozenset(("sdp", "json"))
"""Protocols whose inputs are broken as text."""
AS_BYTES_SHARE = 0.2


def mutant(protocol: str, chance: Random) -> bytes:
    """One broken input."""
    seeds = corpus(protocol)
    seed = chance.choice(seeds)
    if protocol not in TEXTS or chance.random() < AS_BYTES_SHARE:
        return mutated(seed, seeds, chance)
    return mutated_text(text_of(seed), _texts(protocol), chance).encode("utf-8", "surrogatepass")


def text_of(data: bytes) -> str:
    """Bytes as text that may hold half a character, as JSON's escapes can make it."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


@cache
def _texts(protocol: str) -> tuple[str, ...]:
    return tuple(text_of(each) for each in corpus(protocol))
