"""The steps of signalling's tables, in order.

Decides only the order: sessions, then what refers to them. `app.py` hands the
steps to the database with those of the other packages.
Never edits a step that has shipped; add the next one beside its store.
"""

from gateway.signaling.adapters.chat_store import CHAT
from gateway.signaling.adapters.session_tables import (
    MOVES_BY_THE_MONOTONIC_CLOCK,
    SESSIONS,
    SESSIONS_OF_CLIENTS,
)
from gateway.store.migration import Migration

MIGRATIONS: tuple[Migration, ...] = (
    SESSIONS,
    CHAT,
    SESSIONS_OF_CLIENTS,
    MOVES_BY_THE_MONOTONIC_CLOCK,
)
"""In ascending order."""
