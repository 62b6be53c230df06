"""A text as rules see it, with the way back to the text as it was written.

Decides what is folded away before rules look: compatibility forms, case and
invisible characters in the `plain` view; also separators in the `joined` view.
Never judges. Every code point of a view knows which code points of the original
it came from, so a span found in a view covers exactly the right letters.
Sources: Unicode UAX #15 (NFKC), UAX #44 (general categories), UTS #39 §5.4.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.moderation.verdict import Span

_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Drawn as nothing, though their category says otherwise."""


@dataclass(frozen=True, slots=True)
class View:
    """A folded text and where each of its code points came from."""

    text: str
    """What patterns are matched against."""
    starts: tuple[int, ...]
    """For each code point, where its origin begins in the text as written."""
    ends: tuple[int, ...]
    """For each code point, where its origin ends."""

    def origin(self, start: int, end: int) -> Span:
        """The span of the text as written that `text[start:end]` came from; `end > start`."""
        return Span(start=self.starts[start], end=self.ends[end - 1])


def is_invisible(letter: str) -> bool:
    """Whether a code point shows nothing and separates nothing (a tab or line end does)."""
    if letter in "\t\n\r":
        return False
    category = unicodedata.category(letter)
    if category in {"Cf", "Cc", "Cs", "Co", "Cn"} or letter in _INVISIBLE_LETTERS:
        return True
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def plain(text: str) -> View:
    """NFKC, case folded, invisible characters gone."""
    whole = _fold_whole(text)
    if whole is not None:
        return whole
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end, cluster in _clusters(text):
        letters = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
        folded.append(letters)
        starts += [start] * len(letters)
        ends += [end] * len(letters)
    return View("".join(folded), tuple(starts), tuple(ends))


def joined(text: str) -> View:
    """The plain view without anything that is not a letter or a digit: `加 微.信` reads `加微信`."""
    view = plain(text)
    kept = [at for at, letter in enumerate(view.text) if letter.isalnum()]
    return View(
        "".join(view.text[at] for at in kept),
        tuple(view.starts[at] for at in kept),
        tuple(view.ends[at] for at in kept),
    )


VIEWS: Mapping[str, Callable[[str], View]] = MappingProxyType({"plain": plain, "joined": joined})
"""Every view by the name rule files use."""


def _fold_whole(text: str) -> View | None:
    """The plain view of a text in which every letter stands for itself, which most texts are."""
    if any(is_invisible(letter) or unicodedata.combining(letter) for letter in set(text)):
        return None
    folded = text.casefold()
    # Folding never shortens a letter, so an equal length means one for one.
    if len(folded) != len(text) or not unicodedata.is_normalized("NFKC", text):
        return None
    places = range(len(text) + 1)
    return View(folded, tuple(places[:-1]), tuple(places[1:]))


def _clusters(text: str) -> list[tuple[int, int, str]]:
    """(start, end, visible code points) of each base letter with its combining marks.

    Composition does not reach across a base letter (but for Hangul jamo, which stay apart
    here), so clusters may be normalised one by one and the way back stays known.
    """
    clusters: list[tuple[int, int, str]] = []
    for at, letter in enumerate(text):
        if is_invisible(letter):
            continue
        if clusters and unicodedata.combining(letter):
            start, _end, cluster = clusters[-1]
            clusters[-1] = (start, at + 1, cluster + letter)
        else:
            clusters.append((at, at + 1, letter))
    return clusters
