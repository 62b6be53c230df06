"""What sealing needs: the journal's rows, its seals, its archive.

Declares shapes only; `app.py` fills them.
"""

from collections.abc import Sequence
from typing import Protocol

from gateway.ids import SessionId
from gateway.metering.seal import Proof, Seal


class Seals(Protocol):
    """Sealed evidence."""

    async def seal_next(self, *, now_wall_ns: int) -> Seal | None:
        """Seal the oldest rows that have no seal, a bounded number; None where there is nothing to seal.

        Raises:
            StoreDown: nothing was written.
        """
        ...

    async def archive(self, *, before_wall_ns: int) -> int:
        """Move sealed rows of before that instant into a file; answers how many rows went.

        Raises:
            StoreDown: nothing was removed.
        """
        ...

    async def proofs(self, session: SessionId) -> Sequence[Proof]:
        """Where the session's evidence is sealed, in order."""
        ...
