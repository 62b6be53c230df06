"""What every part stands on: store, settings, keys, clock, ids, facts.

Decides nothing; it spares the openers seven parameters. `app.py` makes it once,
before any service, and closes its parts last.
Never handed to a service: services get the ports they declare.
"""

from dataclasses import dataclass

from gateway.booking.adapters.key_files import KeyRing
from gateway.clock import Clock
from gateway.config import Settings
from gateway.ids import IdSource
from gateway.media.service import MediaService
from gateway.metering.owner_ports import Spool
from gateway.outbox import Outbox
from gateway.store.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The foundations of one gateway."""

    settings: Settings
    keys: KeyRing
    database: Store
    media: MediaService
    outbox: Outbox
    clock: Clock
    ids: IdSource
    spool: Spool | None = None
    """Where evidence goes while the store is down; None is a file in the data folder."""
