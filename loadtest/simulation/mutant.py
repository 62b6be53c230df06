"""What a planted bug is.

Decides the words: which line of which module is changed into which wrong one, what
that breaks, and in which worlds it is hunted. The bugs themselves are in
`mutants_*.py`; `planting.py` puts one in, `mutate.py` hunts it.
Never imports anything of the gateway: a bug is planted before that is.
"""

from dataclasses import dataclass

from loadtest.simulation.faults import Fault

WORLDS = 120
"""Worlds in which a bug is hunted before it counts as a survivor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One planted bug."""

    name: str
    module: str
    old: str
    """Stands in the module exactly once."""
    new: str
    breaks: str
    """What is wrong now, in a sentence."""
    faults: frozenset[Fault] = frozenset()
    """Only worlds that drew all of these are staged, and nothing else breaks in them; empty: any world."""
    worlds: int = WORLDS
    survives: str = ""
    """Why the auditor cannot see it, where that is known."""
