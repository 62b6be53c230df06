"""What two people mean to do in one session, drawn before it begins.

Decides who answers, how long they talk, what happens meanwhile and who ends it.
Never decides what the gateway makes of it.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from gateway.terms import SessionKind
from loadtest.simulation.faults import DEADLY, Fault, Swarm

TALKS_S = ((83, 1.0, 9.0), (14.5, 9.0, 28.0), (2.5, 28.0, 150.0))
"""Share in percent, shortest and longest: most talks are short, a few see every warning."""
EDGE_SHARE = 0.1
"""Talks that end at a second at which the price changes."""
TOPS_UP_SHARE = 0.7
"""Clients who pay in once they are warned that their money ends."""
LATE_MEDIA_SHARE = 0.12
"""Sides whose path takes long to find."""
BURST_SHARE = 0.3
"""Text sessions in which somebody writes many lines at once."""


class Answer(StrEnum):
    """What the provider does when it rings, or the client before."""

    ACCEPT = "accept"
    DECLINE = "decline"
    IGNORE = "ignore"
    CANCEL = "cancel"


class End(StrEnum):
    """Who ends it, if nothing else does first."""

    CLIENT = "client"
    PROVIDER = "provider"
    OPERATOR = "operator"
    TERMINATE = "terminate"
    """A line that moderation does not bear."""
    SOS = "sos"
    """A call for help, and then an operator."""
    NOBODY = "nobody"
    """Money, slot or hard maximum; a client hangs up in the end."""


class Act(StrEnum):
    """Something in the middle of a session."""

    MUTE = "mute"
    GAP_RTP = "gap_rtp"
    GAP_ALL = "gap_all"
    ACK_SILENCE = "ack_silence"
    SOCKET = "socket"
    PARTITION = "partition"
    VANISH = "vanish"
    LINE = "line"
    BURST = "burst"
    FREEZE = "freeze"
    PAUSE = "pause"
    TOP_UP = "top_up"
    APP_CLOCK = "app_clock"
    RTP_CLOCK = "rtp_clock"


@dataclass(frozen=True, slots=True)
class Doing:
    """One act: when after the start, by which side, for how long."""

    act: Act
    at_s: float
    by_client: bool
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One session's intentions."""

    kind: SessionKind
    answer: Answer
    answer_s: float
    """How long it rings."""
    talk_s: float
    end: End
    doings: tuple[Doing, ...]
    no_show: str
    """`media`, `confirm` or empty: what one side never does."""
    no_show_client: bool
    ack_every: tuple[int, int]
    """Which ticks client and provider acknowledge: every first, second, …"""
    is_on_edge: bool
    """Whether it ends at a second at which the price changes."""
    tops_up: bool
    """Whether the client pays in when warned."""
    media_s: tuple[float, float]
    """How long client's and provider's media takes after the answer."""
    is_dtx: tuple[bool, bool]
    """Whether client and provider send few packets."""


_ACTS = (
    (Fault.MUTE, Act.MUTE),
    (Fault.ONE_WAY_MEDIA, Act.GAP_RTP),
    (Fault.ROAMING, Act.GAP_ALL),
    (Fault.ACK_SILENCE, Act.ACK_SILENCE),
    (Fault.SOCKET_LOST, Act.SOCKET),
    (Fault.PARTITION, Act.PARTITION),
    (Fault.VANISH, Act.VANISH),
    (Fault.APP_CLOCK_DRIFT, Act.APP_CLOCK),
    (Fault.RTP_CLOCK_DRIFT, Act.RTP_CLOCK),
)


def drawn(dice: random.Random, swarm: Swarm) -> Plan:
    """A session as it may come."""
    kind = SessionKind.TEXT if dice.random() < 0.12 else SessionKind.VOICE
    _, least_s, most_s = dice.choices(TALKS_S, [share for share, _, _ in TALKS_S])[0]
    end = dice.choices(list(End), (46, 33, 5, 5, 5, 6))[0]
    talk_s = dice.uniform(30, 135) if end is End.NOBODY else dice.uniform(least_s, most_s)
    return Plan(
        kind=kind,
        answer=dice.choices(list(Answer), (88, 4, 3, 5))[0],
        answer_s=dice.uniform(0.3, 6),
        talk_s=talk_s,
        end=end,
        doings=tuple(_doings(dice, swarm, kind, talk_s)),
        no_show=dice.choice(("media", "confirm")) if swarm.strikes(Fault.NO_SHOW, dice) else "",
        no_show_client=dice.random() < 0.5,
        ack_every=(_ack_every(dice, swarm), _ack_every(dice, swarm)),
        is_on_edge=dice.random() < EDGE_SHARE,
        tops_up=dice.random() < TOPS_UP_SHARE,
        media_s=(_media_s(dice), _media_s(dice)),
        is_dtx=(swarm.strikes(Fault.DTX, dice), swarm.strikes(Fault.DTX, dice)),
    )


def _ack_every(dice: random.Random, swarm: Swarm) -> int:
    """Apps acknowledge each tick; some are lazy where no crash could lose what they held back."""
    return 1 if swarm.kinds & DEADLY else dice.choice((1, 1, 2, 4))


def _media_s(dice: random.Random) -> float:
    return dice.uniform(0.9, 3.5) if dice.random() < LATE_MEDIA_SHARE else dice.uniform(0.1, 0.9)


def _doings(dice: random.Random, swarm: Swarm, kind: SessionKind, talk_s: float) -> list[Doing]:
    found = []

    def add(act: Act, for_s: float) -> None:
        found.append(Doing(act, dice.uniform(0, talk_s), dice.random() < 0.5, for_s))

    for fault, act in _ACTS:
        if fault in swarm and dice.random() < max(0.3, swarm.hardness):
            add(act, dice.choice((1.0, 4.0, 9.0, 14.0, 18.0)) * dice.uniform(0.6, 1.3))
    if kind is SessionKind.TEXT:
        for _ in range(dice.randint(0, 4)):
            add(Act.LINE, 0)
        if dice.random() < BURST_SHARE:
            add(Act.BURST, dice.uniform(0.5, 6))
    for act, share in ((Act.LINE, 0.1), (Act.FREEZE, 0.03), (Act.PAUSE, 0.06), (Act.TOP_UP, 0.15)):
        if dice.random() < share:
            add(act, dice.uniform(0.5, 15))
    return sorted(found, key=lambda doing: doing.at_s)
