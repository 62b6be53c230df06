"""How something valid is broken: a few bytes, a length, a piece of something else.

Decides what a mutant looks like, given its seed and a source of chance; the same
chance gives the same mutant. Text is broken by lines and words, because random
bytes would never get past the first character.
Never judges what became of a mutant (`tests/fuzz/targets.py`, `run.py`).
"""

from collections.abc import Sequence
from random import Random

STEPS_MAX = 4
"""Changes of one mutant; more would leave nothing valid in it."""
BYTES_MAX = 2_100
"""A little over the largest datagram that is taken."""
LENGTHS = (0, 1, 2, 3, 4, 7, 8, 12, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
"""What a 16-bit length is set to."""
OCTETS = (0, 1, 2, 3, 4, 0x0F, 0x10, 0x14, 0x3F, 0x40, 0x7F, 0x80, 0x90, 0xBE, 0xC8, 0xCB, 0xFF)
"""Bytes at which some parser turns."""
WORDS = (
    *(
        "",
        "0",
        "-1",
        "65535",
        "65536",
        "4294967296",
        "9" * 400,
        "a" * 300,
        "\u0000",
        "\ud800",
        "😀",
        "٣",
        "²",
    ),
    *("null", "true", "1e999", "NaN", "[]", "{}", '"', "\\", "a=", "m=audio 9 X 1", "v=0", "\r", "\n", "\t"),
)
"""Words that some reader of text turns at."""


def mutated(seed: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """`seed` with up to STEPS_MAX changes; `others` lend pieces."""
    mutant = bytearray(seed)
    for _ in range(chance.randint(1, STEPS_MAX)):
        _change(mutant, others, chance)
    return bytes(mutant[:BYTES_MAX])


def _change(mutant: bytearray, others: Sequence[bytes], chance: Random) -> None:
    size = len(mutant)
    at = chance.randrange(size) if size else 0
    match chance.randrange(8):
        case 0 if size:
            mutant[at] ^= 1 << chance.randrange(8)
        case 1 if size:
            mutant[at] = chance.choice(OCTETS)
        case 2 if size > 1:
            # Lengths of these protocols lie at even places.
            at &= ~1
            mutant[at : at + 2] = chance.choice(LENGTHS).to_bytes(2, "big")
        case 3:
            del mutant[at:]
        case 4:
            del mutant[at : at + chance.randint(1, 16)]
        case 5:
            mutant[at:at] = mutant[at : at + chance.randint(1, 200)]
        case 6:
            other = chance.choice(others)
            start = chance.randrange(len(other)) if other else 0
            mutant[at:at] = other[start : start + chance.randint(1, 200)]
        case _:
            mutant[at:at] = chance.randbytes(chance.randint(1, 40))


def mutated_text(seed: str, others: Sequence[str], chance: Random) -> str:
    """`seed` with words or lines changed, doubled, dropped, swapped or borrowed."""
    separator = chance.choice(("\r\n", " ", ":", ",", '"', "/"))
    parts = seed.split(separator)
    for _ in range(chance.randint(1, STEPS_MAX)):
        at = chance.randrange(len(parts)) if parts else 0
        match chance.randrange(7):
            case 0:
                parts[at : at + 1] = []
            case 1:
                parts[at:at] = [chance.choice(WORDS)]
            case 2:
                parts[at : at + 1] = [chance.choice(WORDS)]
            case 3:
                parts[at:at] = parts[at : at + chance.randint(1, 8)] * chance.randint(1, 40)
            case 4 if parts:
                other = chance.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case 5:
                borrowed = chance.choice(others).split(separator)
                start = chance.randrange(len(borrowed))
                parts[at:at] = borrowed[start : start + chance.randint(1, 8)]
            case _ if parts and parts[at]:
                part, place = parts[at], chance.randrange(len(parts[at]))
                parts[at] = (
                    part[:place] + chr(chance.choice((0, 9, 48, 57, 58, 127, 233, 1632))) + part[place:]
                )
    return separator.join(parts)
