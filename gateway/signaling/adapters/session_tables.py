"""The tables of sessions: one row each, and every move it made.

Decides the columns and what the database itself refuses: a second open session of a
provider, a fourth of a client, a transition that is changed or deleted.
Never edits a step that has shipped.
"""

from gateway.store.migration import Migration

SESSIONS = Migration(
    "signaling",
    1,
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        client TEXT NOT NULL,
        provider TEXT NOT NULL CHECK (provider <> client),
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        end_reason TEXT,
        tariff TEXT NOT NULL,
        tariff_hash TEXT NOT NULL,
        fee_bp INTEGER NOT NULL,
        duration_s_max INTEGER NOT NULL,
        slot_ends_wall_ns INTEGER,
        nonce_client TEXT NOT NULL,
        nonce_provider TEXT NOT NULL,
        created_wall_ns INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        epoch INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX one_open_session_per_provider ON sessions (provider)
        WHERE state IN ('created', 'ringing', 'accepted', 'connecting', 'metering', 'suspended',
                        'recovering', 'ending');
    CREATE UNIQUE INDEX one_open_session_per_client ON sessions (client)
        WHERE state IN ('created', 'ringing', 'accepted', 'connecting', 'metering', 'suspended',
                        'recovering', 'ending');
    CREATE INDEX sessions_by_client ON sessions (client, created_wall_ns, id);
    CREATE INDEX sessions_by_provider ON sessions (provider, created_wall_ns, id);
    CREATE INDEX sessions_unfinished ON sessions (created_wall_ns)
        WHERE state NOT IN ('settled', 'disputed', 'adjusted', 'declined', 'missed', 'cancelled', 'busy',
                            'connect_failed');
    CREATE TABLE session_transitions (
        session TEXT NOT NULL REFERENCES sessions (id),
        seq INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        at_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (session, seq, epoch)
    ) STRICT;
    CREATE TRIGGER session_transitions_stay BEFORE UPDATE ON session_transitions
        BEGIN SELECT RAISE(ABORT, 'a transition is never changed'); END;
    CREATE TRIGGER session_transitions_remain BEFORE DELETE ON session_transitions
        BEGIN SELECT RAISE(ABORT, 'a transition is never deleted'); END;
    """,
)

SESSIONS_OF_CLIENTS = Migration(
    "signaling",
    3,
    """
    DROP INDEX one_open_session_per_client;
    CREATE INDEX open_sessions_by_client ON sessions (client)
        WHERE state IN ('created', 'ringing', 'accepted', 'connecting', 'metering', 'suspended',
                        'recovering', 'ending');
    CREATE TRIGGER few_open_sessions_per_client BEFORE INSERT ON sessions
        WHEN NEW.state = 'created' AND 3 <= (
            SELECT count(*) FROM sessions WHERE client = NEW.client
            AND state IN ('created', 'ringing', 'accepted', 'connecting', 'metering', 'suspended',
                          'recovering', 'ending'))
        BEGIN SELECT RAISE(ABORT, 'the client is in as many sessions as one may be'); END;
    """,
)

MOVES_BY_THE_MONOTONIC_CLOCK = Migration(
    "signaling",
    4,
    """
    ALTER TABLE session_transitions ADD COLUMN at_ns INTEGER;
    ALTER TABLE session_transitions ADD COLUMN boot TEXT NOT NULL DEFAULT '';
    """,
)
"""The wall clock may be set between a move and a second; which of them was later must be known all the same."""
