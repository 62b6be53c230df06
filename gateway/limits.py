"""Every bound of the gateway, with its unit and the reason for its value.

Decides how much of anything there may be. What an operator may change is in
`config.py`; what is here is part of the product's promise.
Keeps: the relations asserted at the end.
"""

from gateway.clock import NS

# The socket (docs/wire.md)
AUTH_DEADLINE_NS = 5 * NS
"""A socket that has not authenticated by then is closed."""
UNKNOWN_SOCKETS_PER_ADDRESS_MAX = 256
"""Sockets of one address that have not signed in yet; whole offices and carriers share one."""
SOCKET_MESSAGE_BYTES_MAX = 64 * 1024
"""The largest socket message; an SDP offer is about 6 kB."""
SOCKET_QUEUE_MESSAGES_MAX = 256
"""Messages waiting for a slow reader; beyond it the socket is closed and may resume."""
SOCKET_MESSAGES_PER_S = 50
"""Sustained rate of one socket; twice that may come in a burst."""
SOCKETS_PER_ACCOUNT_MAX = 8
"""Devices of one person; the oldest gives way."""
PING_S = 5
"""How often an app pings."""
DEAD_S = 15
"""A socket silent for that long is taken as lost."""
JSON_DEPTH_MAX = 16
"""Nesting of a message."""
HTTP_BODY_BYTES_MAX = 256 * 1024
"""The largest request body."""

# The session
RING_NS = 30 * NS
"""How long a provider's app rings."""
RESUME_GRACE_NS = 15 * NS
"""A lost leg may resume within it."""
CONNECT_DEADLINE_NS = 30 * NS
"""From acceptance to at least one start witness."""
CLIENT_SESSIONS_MAX = 3
"""Open sessions of one client at once; their time left is reckoned together, and more than that is a mistake."""
LIVE_SESSIONS_MAX = 2_000
"""Of one process; beyond it invitations are refused, and sooner where `sessions_max` says so."""
LOAD_LOOK_NS = NS
"""How often a node asks itself whether it can carry more calls."""
LOAD_FULL_AFTER_NS = 3 * NS
"""How long a node is strained before it refuses calls; a shorter peak passes by itself."""

# The meter (docs/metering.md)
MEDIA_GAP_NS = 8 * NS
"""Longest silence of a leg that two packets may bracket."""
ACK_GAP_NS = 15 * NS
"""Longest silence of an app that two acknowledgements may bracket."""
WITNESS_ALONE_START_NS = 15 * NS
"""One start witness without the other for that long: connect_failed."""
WITNESS_ALONE_STOP_NS = 5 * NS
"""One stop witness without the other for that long: end, grade B."""
LEG_LOST_NS = 15 * NS
"""No authenticated packet of a leg for that long ends the session."""
ENDING_DRAIN_NS = 1 * NS
"""How long the last seconds wait for their far bracket after a stop."""
HOLD_QUANTUM_S = 60
"""Length of one hold."""
HOLD_EXTEND_BELOW_S = 20
"""Cover left at which the next hold is asked for."""
HOLD_QUANTUM_MESSAGES = 20
"""Size of one hold where messages are paid."""
HOLD_EXTEND_BELOW_MESSAGES = 5
"""With fewer covered messages left than these the next hold is asked for."""
WARN_AT_S = (120, 60, 30, 10)
"""Time left at which both apps are warned."""
WARN_REARM_S = 10
"""A top-up re-arms a warning when time left rises that far above it."""
CLOCK_STEP_NS = 1 * NS
"""A wall step or sleep beyond it suspends metering."""
TEXT_IDLE_NS = 120 * NS
"""A text session without a line for that long is suspended."""
SESSION_DURATION_S_MAX = 4 * 3600
"""Hard maximum where the provider sets none."""
REPORT_DIFFERENCE_S = 1
"""Seconds that an app's own count may differ, plus 0.5 %."""
WITNESS_POLL_NS = NS // 4
"""How often the relay's counters are read."""

TICK_SLOT_NS = NS // 32
"""Sessions' seconds end at 32nds of the node's second, so that a thousand ticks do not wait for each other."""
TICK_SLOT_LAST_NS = NS // 2
"""The latest 32nd at which seconds end; the rest of the node's second is for their acknowledgements."""
TICK_SPREAD = 16
"""Sessions that start at the same poll are spread over so many 32nds."""
JOURNAL_AFTER_NS = 3 * NS // 4
"""How far into the node's second its one row is written: what was acknowledged promptly is durable within a second."""
STORE_ANSWER_NS = NS // 4
"""A row that the store has not answered by then goes to the spool as well: with that, no more than
the last second can be lost in a crash, however slow the store is."""
LEASE_NS = 90 * NS
"""How long a process may act for its sessions without a word from the store: longer than a fresh hold
lasts, so that an outage ends a session by its hold before another process may take it."""
SWEEP_NS = 10 * NS
"""Between two looks for sessions whose owner is gone."""
ORPHANS_PER_SWEEP_MAX = 100
"""Sessions taken over at once; the rest wait for the next look, so that live ones keep their rhythm."""

# Chat
CHAT_CHARACTERS_MAX = 2_000
"""Of one line."""
CHAT_PAGE_MAX = 100
"""Lines in one page of history."""
CHAT_LINES_PER_S = 5
"""Sustained rate of one participant."""

# Media
SDP_BYTES_MAX = 32 * 1024
"""Of one offer."""
SDP_SECTIONS_MAX = 4
"""Media sections in one offer."""
DATAGRAM_BYTES_MAX = 2_048
"""Larger datagrams are dropped and counted."""
LEG_CONTROL_QUEUE_MAX = 64
"""DTLS datagrams waiting for one leg."""
RTP_PACKETS_PER_S_MAX = 120
"""Twice real time at 20 ms, with RED and a margin; beyond it a leg is throttled."""
ICE_TCP_CONNECTIONS_MAX = 1_000
"""Connections for people whose network blocks UDP; each costs two descriptors."""
ICE_TCP_CONNECTIONS_PER_ADDRESS_MAX = 64
"""Of one IPv4 address or IPv6 /64: an office behind one address, a few connections for each leg."""
ICE_TCP_PENDING_MAX = 128
"""Connections that have not yet shown an authentic check."""
ICE_TCP_CHECK_NS = 5 * NS
"""A connection without an authentic check by then is closed."""
ICE_TCP_IDLE_NS = 60 * NS
"""Longest silence of either end; browsers check a spare connection about every 25 s."""
ICE_TCP_BEHIND_NS = NS // 2
"""A reader that is behind for longer gets no media until it has caught up: old voice helps nobody."""
ICE_TCP_UNSENT_BYTES_MAX = 64 * 1024
"""Waiting for one reader; beyond it no media is added, beyond twice that the connection is closed."""
ICE_TCP_FRAMES_PER_S_MAX = 1_000
"""Datagrams of one connection; several times what a leg with video sends."""
VIDEO_BITS_PER_S = 2_000_000
"""What an app is told it may send as video: a good picture of one person."""
VIDEO_BITS_PER_S_MAX = 2_500_000
"""What passes at most, repairs and headers included; beyond it video is throttled."""

# The store
STORE_BATCH_MAX = 256
"""Commands in one commit."""
STORE_BATCH_NS_MAX = 5_000_000
"""How long a command may wait for companions."""
STORE_QUEUE_MAX = 10_000
"""Commands waiting; beyond it they are refused as store_down."""

assert DEAD_S * NS <= RESUME_GRACE_NS, "a dead socket must still be able to resume"
assert PING_S * 3 <= DEAD_S, "one lost ping must not kill a socket"
assert MEDIA_GAP_NS < LEG_LOST_NS, "a session suspends before it ends"
assert LEG_LOST_NS < ICE_TCP_IDLE_NS, "a connection outlives its leg, never the other way round"
assert ICE_TCP_PENDING_MAX < ICE_TCP_CONNECTIONS_MAX, "strangers cannot take every place"
assert ACK_GAP_NS <= RESUME_GRACE_NS, "a resumed app brackets its own gap at best"
assert (HOLD_QUANTUM_S + HOLD_EXTEND_BELOW_S) * NS < LEASE_NS, "in an outage the hold ends before the lease"
assert STORE_ANSWER_NS * 3 < SWEEP_NS, "a slow store is not a lost one"
assert VIDEO_BITS_PER_S < VIDEO_BITS_PER_S_MAX, "an app that keeps to its word is not throttled"
assert HOLD_EXTEND_BELOW_S < HOLD_QUANTUM_S, "a fresh hold must not ask for another"
assert max(WARN_AT_S) > HOLD_EXTEND_BELOW_S, "the first warning comes before the last hold"
assert TICK_SLOT_LAST_NS + WITNESS_POLL_NS <= JOURNAL_AFTER_NS < NS, (
    "each second's acknowledgements precede its row"
)
