"""Opens the sealing of evidence.

Decides where archives lie: beside the database, in a folder of their own.
When and how sealing happens is `metering/sealing_service.py`'s.
Never starts it (`app.py` does, and closes it after the meters).
"""

from gateway.bridge.ground import Ground
from gateway.metering.adapters.seal_store import SealStore
from gateway.metering.sealing_service import Sealer

ARCHIVE = "archive"
"""Old evidence, in the data folder."""


def open_sealing(ground: Ground) -> Sealer:
    """The sealer of this gateway's evidence."""
    settings = ground.settings
    seals = SealStore(ground.database, signer=ground.keys.signer(), folder=settings.data_dir / ARCHIVE)
    return Sealer(seals, clock=ground.clock, keep_days=settings.evidence_keep_days)
