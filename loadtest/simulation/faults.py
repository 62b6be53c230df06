"""Everything that the simulation breaks on purpose, by name, and how often it did.

Decides the names and the swarm: each world draws a few kinds and how hard they
strike, so that rare combinations meet. Where a kind strikes is the affair of the
part that it strikes; that part notes it here.
Never decides whether the gateway coped (the auditor does).
"""

import random
from collections import Counter
from enum import StrEnum


class Fault(StrEnum):
    """One kind of trouble."""

    CRASH_AT_STEP = "crash_at_step"
    """The process dies between two steps of its event loop, at any await."""
    CRASH_BEFORE_COMMIT = "crash_before_commit"
    """It dies with a group of commands that had not committed: all of them are lost."""
    CRASH_AFTER_COMMIT = "crash_after_commit"
    """It dies after the commit, before anybody was answered."""
    RESTART = "restart"
    """An orderly stop with live sessions, and a new start."""
    STORE_ERROR = "store_error"
    """A commit fails; nothing of its group is written."""
    STORE_OUTAGE = "store_outage"
    """For a while every command and query fails at once."""
    SLOW_STORE = "slow_store"
    """For a while commits take seconds."""
    HANGING_STORE = "hanging_store"
    """For a while nothing is answered; then everything is."""
    LEASE_LOSS = "lease_loss"
    """The store is away for longer than the lease of the sessions' owner."""
    TWO_OWNERS = "two_owners"
    """A second process takes the sessions over while the first still lives and serves."""
    SPOOL_TORN = "spool_torn"
    """A crash in the middle of a row that was being written beside the store."""
    STALL = "stall"
    """The process does not get to run for seconds."""
    WALL_STEP = "wall_step"
    """Somebody sets the wall clock."""
    SUSPEND = "suspend"
    """The machine sleeps: monotonic time stands, the wall goes on."""
    LATE_MESSAGE = "late_message"
    """A message takes seconds; others overtake it."""
    DUPLICATE_MESSAGE = "duplicate_message"
    """A message arrives twice."""
    LOST_MESSAGE = "lost_message"
    """A message never arrives."""
    SOCKET_LOST = "socket_lost"
    """A socket breaks and comes back."""
    PARTITION = "partition"
    """A person reaches nothing for a while, neither by socket nor by media."""
    ONE_WAY_MEDIA = "one_way_media"
    """One side's voice does not arrive for a while, its path does."""
    ROAMING = "roaming"
    """A leg is silent on every plane while its address changes."""
    DTX = "dtx"
    """A side sends few packets because it is silent."""
    MUTE = "mute"
    """A side mutes itself for a while and sends no voice."""
    ACK_SILENCE = "ack_silence"
    """An app acknowledges nothing for a while."""
    FALSE_ACK = "false_ack"
    """An app acknowledges another head, or a tick that never was."""
    FALSE_CONFIRM = "false_confirm"
    """An app confirms with another nonce or another tariff's hash first."""
    VANISH = "vanish"
    """A person is gone for good: no socket, no media."""
    NO_SHOW = "no_show"
    """A side never sends media, or never confirms."""
    WEBHOOK_REPEATED = "webhook_repeated"
    """A payment's webhook comes several times."""
    WEBHOOK_LATE = "webhook_late"
    """It comes after seconds, perhaps after others."""
    WEBHOOK_LOST = "webhook_lost"
    """It never comes; the order is asked for instead."""
    PAYMENT_ASKED_TWICE = "payment_asked_twice"
    """The payer decides twice, and the client creates its order twice."""
    FALSE_REPORT = "false_report"
    """An app reports other seconds after the end than it was shown."""
    APP_CLOCK_DRIFT = "app_clock_drift"
    """An app's own clock runs fast or slow."""
    RTP_CLOCK_DRIFT = "rtp_clock_drift"
    """A leg's media clock runs fast or slow."""


DEADLY = frozenset(
    {
        Fault.CRASH_AT_STEP,
        Fault.CRASH_BEFORE_COMMIT,
        Fault.CRASH_AFTER_COMMIT,
        Fault.RESTART,
        Fault.TWO_OWNERS,
        Fault.SPOOL_TORN,
    }
)
"""Kinds that end a process."""
PEACEFUL_SHARE = 0.15
"""Worlds without any fault."""
KINDS_MAX = 7
"""Kinds that one world draws at most."""


class Swarm:
    """The kinds that a world drew, and what has struck so far."""

    def __init__(self, dice: random.Random, *, only: frozenset[Fault] | None = None) -> None:
        self.fired: Counter[str] = Counter()
        drawn: list[Fault] = []
        if dice.random() >= PEACEFUL_SHARE:
            drawn = dice.sample(list(Fault), dice.randint(1, KINDS_MAX))
        self.kinds = frozenset(drawn) if only is None else frozenset(drawn) & only
        self.hardness = dice.choice((0.02, 0.1, 0.3))
        """How likely a drawn kind strikes where it could."""

    def __contains__(self, fault: Fault) -> bool:
        return fault in self.kinds

    def strikes(self, fault: Fault, dice: random.Random) -> bool:
        """Whether `fault` strikes here and now; the caller does it and notes it."""
        return fault in self.kinds and dice.random() < self.hardness

    def note(self, fault: Fault) -> None:
        """It has struck."""
        self.fired[fault] += 1
