"""Everything metering is handed, in one value.

Declares nothing of its own: it names the ports so that a service takes one
argument instead of a dozen. `bridge/books.py` makes it once; tests make it of fakes.
"""

from dataclasses import dataclass

from gateway.clock import Clock
from gateway.facts import FactSink
from gateway.ids import IdSource
from gateway.metering.owner_ports import Owners, Spool
from gateway.metering.ports import Gate, Journal, Moves, Purse, Signer
from gateway.metering.schedule import OffsetAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What surrounds metering."""

    purse: Purse
    gate: Gate
    journal: Journal
    spool: Spool
    """Where evidence goes while the journal's store does not answer."""
    owners: Owners
    """Which process acts for which session."""
    moves: Moves
    """The sessions' state rows."""
    signer: Signer
    offset_s_at: OffsetAt
    """Time zones' offsets from UTC."""
    clock: Clock
    ids: IdSource
    sink: FactSink
    make_good_s_max: int = 0
    """Seconds lost in a restart that the provider is paid for from the platform's write-off."""
