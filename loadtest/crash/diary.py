"""What the two legs of a session saw, and what the evidence must therefore say.

Decides which seconds were acknowledged by both apps before a kill (those must be
on the receipt, but for the one that was being written) and during which spans
both legs heard each other (outside of them nothing may be billed). A second is
named by the monotonic instant it ended at: every process of this machine reads
that clock, so a second keeps its name across restarts.
Never asks the gateway what it should believe.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.clock import NS
from loadtest.auditor import entries
from loadtest.light_leg import LightLeg

ACK_ON_ITS_WAY_NS = NS // 4
"""An acknowledgement sent so shortly before a kill may not have arrived."""
EDGE_NS = NS // 4
"""How far a billed second may reach beyond the first and the last packet heard."""
WITNESSED = (entries.BILLED, entries.FREE)


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one app saw of a session in one life of the gateway."""

    arrived_ns: dict[int, int] = field(default_factory=dict)
    """When each tick came."""
    acked_ns: dict[int, int] = field(default_factory=dict)
    """When its acknowledgement had been sent."""


@dataclass(slots=True, kw_only=True)
class Story:
    """One session as its two apps know it."""

    session: str
    seen: dict[tuple[int, str], Seen] = field(default_factory=dict)
    """By life and side."""
    legs: dict[str, list[LightLeg]] = field(default_factory=lambda: {"client": [], "provider": []})
    """Every leg each side ever had."""
    is_metering: bool = False
    """Seconds were last said to count."""
    is_hung_up: bool = False
    """A hang-up was asked for."""
    hits: list[int] = field(default_factory=list)
    """Lives that were killed while seconds counted."""

    def tick(self, life: int, side: str, tick: int, at_ns: int) -> None:
        """A tick came."""
        self.seen.setdefault((life, side), Seen()).arrived_ns.setdefault(tick, at_ns)

    def acked(self, life: int, side: str, tick: int, at_ns: int) -> None:
        """Its acknowledgement was handed to the socket."""
        self.seen.setdefault((life, side), Seen()).acked_ns[tick] = at_ns

    def lives(self) -> list[int]:
        """Lives in which ticks came."""
        return sorted({life for life, _ in self.seen})

    def acknowledged_ns(self, life: int, until_ns: int) -> set[int]:
        """When the seconds that both apps had acknowledged by `until_ns` were told, by the fastest tick of the life."""
        client, provider = (self.seen.get((life, side), Seen()) for side in ("client", "provider"))
        both = {
            tick
            for tick, at_ns in client.acked_ns.items()
            if max(at_ns, provider.acked_ns.get(tick, until_ns)) < until_ns
        }
        arrivals = [*client.arrived_ns.items(), *provider.arrived_ns.items()]
        zero_ns = min((at_ns - tick * NS for tick, at_ns in arrivals), default=0)
        return {zero_ns + tick * NS for tick in both}

    def lost_s(self, life: int, killed_at_ns: int, witnessed_ns: set[int]) -> int:
        """Seconds acknowledged in time before the kill that the evidence does not have.

        A tick comes a little after the second that it tells of has ended.
        """
        told_ns = self.acknowledged_ns(life, killed_at_ns - ACK_ON_ITS_WAY_NS)
        return sum(not any(0 <= at_ns - end_ns < NS // 2 for end_ns in witnessed_ns) for at_ns in told_ns)

    def beyond_s(self, witnessed_ns: Iterable[int]) -> int:
        """Seconds billed (or given free) during which the two legs did not hear each other."""
        return sum(not self._was_spoken(end_ns) for end_ns in witnessed_ns)

    def _was_spoken(self, end_ns: int) -> bool:
        return all(
            any(
                leg.heard_at_ns - EDGE_NS <= end_ns - NS and end_ns <= leg.last_heard_ns + EDGE_NS
                for leg in legs
                if leg.heard_at_ns
            )
            for legs in self.legs.values()
        )


def witnessed_ns(bundle: bytes) -> set[int]:
    """Ends of the billed and free seconds of an evidence bundle."""
    found = (entries.decode(entry) for entry in entries.bundle(bundle))
    return {slot.end_ns for slot in found if isinstance(slot, entries.Slot) and slot.finding in WITNESSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """All stories against their evidence."""

    hits: int
    """Sessions that were metering at a kill, summed over kills."""
    lost_s_max: int
    """Most seconds that one session lost in one kill."""
    lost_s: int
    """Seconds lost in all kills."""
    beyond_s: int
    """Seconds billed that the legs did not see."""
    unseen_s_max: int
    """Most acknowledged seconds missing from a session in a life that was not killed."""
    problems: tuple[str, ...]


def compared(
    stories: Iterable[Story], bundles: Mapping[str, bytes], killed_at_ns: Mapping[int, int]
) -> Compared:
    """Every story against the evidence of its session."""
    hits, losses, beyond_s, unseen, problems = 0, [0], 0, [0], []
    for story in stories:
        hits += len(story.hits)
        bundle = bundles.get(story.session)
        witnessed = set() if bundle is None else witnessed_ns(bundle)
        outside_s = story.beyond_s(witnessed)
        beyond_s += outside_s
        if outside_s:
            problems.append(f"{story.session}: {outside_s} s billed that its legs did not hear")
        for life in story.lives():
            killed_ns = killed_at_ns.get(life)
            if killed_ns is None:
                unseen.append(story.lost_s(life, 1 << 62, witnessed))
                continue
            lost_s = story.lost_s(life, killed_ns, witnessed)
            losses.append(lost_s)
            if lost_s > 1:
                problems.append(f"{story.session}: {lost_s} s lost in the kill of life {life}")
    return Compared(
        hits=hits,
        lost_s_max=max(losses),
        lost_s=sum(losses),
        beyond_s=beyond_s,
        unseen_s_max=max(unseen),
        problems=tuple(problems),
    )
