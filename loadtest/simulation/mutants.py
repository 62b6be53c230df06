"""Every bug that is planted to see whether the auditor finds it.

Decides their order only; each part of the product has its own file of them.
Keeps: no name twice.
"""

from loadtest.simulation.mutants_bracket import BRACKET
from loadtest.simulation.mutants_cover import COVER
from loadtest.simulation.mutants_journal import JOURNAL
from loadtest.simulation.mutants_ledger import LEDGER
from loadtest.simulation.mutants_rating import RATING

MUTANTS = (*RATING, *BRACKET, *COVER, *JOURNAL, *LEDGER)
"""By the part of the product that they are in."""
