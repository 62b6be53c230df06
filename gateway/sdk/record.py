"""What one participant saw of one call.

Decides nothing; it keeps the events of a call in order with the instants that
measurements need, and counts the participant's own seconds by its own clock.
Never trusts the gateway's count for that: the second is what `session.report`
is for. Instants are monotonic nanoseconds.
"""

from dataclasses import dataclass, field

from gateway.clock import NS
from gateway.sdk.event import (
    Accepted,
    ChatMessage,
    ChatStatus,
    ConsentAsked,
    Consented,
    Ended,
    Event,
    LegBack,
    LegLost,
    LegReplaced,
    MuteChanged,
    Notice,
    Problem,
    Resumed,
    Spent,
    Started,
    Suspended,
    Tick,
    WalletPushed,
    Warned,
)


@dataclass(slots=True, kw_only=True)
class Record:
    """One call, as seen from one side; filled by `take`."""

    accepted_at_ns: int = 0
    """When `session.accepted` came; 0 = not yet."""
    heard_at_ns: int = 0
    """When the first packet of the other side's voice came; 0 = not yet."""
    confirmed_at_ns: int = 0
    """When "I hear the other side" was sent, so that nothing can have been billed before; 0 = not yet."""
    started_at_ns: int = 0
    """When `session.started` came; 0 = not yet."""
    hung_up_at_ns: int = 0
    """When the hang-up was sent; 0 = never."""
    ended_at_ns: int = 0
    """When `session.ended` came; 0 = not yet."""
    started: Started | None = None
    """The start, with the gateway's own wall time."""
    ticks: list[Tick] = field(default_factory=list)
    """Every tick, in order of arrival."""
    tick_at_ns: list[int] = field(default_factory=list)
    """When each of them came."""
    warnings: list[Warned] = field(default_factory=list)
    """Near-end warnings."""
    questions: list[ConsentAsked | Consented | Spent] = field(default_factory=list)
    """Marks of spending, questions to the client and his answers, in order."""
    suspensions: list[Suspended | Resumed] = field(default_factory=list)
    """Suspended and resumed, in order."""
    legs: list[LegLost | LegBack | LegReplaced] = field(default_factory=list)
    """The other side's connection, and one's own when it was replaced."""
    lines: list[ChatMessage] = field(default_factory=list)
    """Lines of the other side."""
    statuses: list[ChatStatus] = field(default_factory=list)
    """What became of one's own lines."""
    mutes: list[MuteChanged] = field(default_factory=list)
    """The other side's mute."""
    notices: list[Notice] = field(default_factory=list)
    """What moderation did."""
    problems: list[Problem] = field(default_factory=list)
    """Refusals that answered no request, such as a tick that was not acknowledged."""
    wallet: WalletPushed | None = None
    """The last push of the wallet."""
    ended: Ended | None = None
    """The end, with its receipt."""
    own_ns: int = 0
    """Own seconds up to the last suspension."""
    running_since_ns: int = 0
    """When the own count began or resumed; 0 = it stands."""

    @property
    def first_audio_ms(self) -> int | None:
        """From `session.accepted` to the first packet of the other side's voice."""
        if not self.heard_at_ns:
            return None
        return (self.heard_at_ns - self.accepted_at_ns) // 1_000_000

    @property
    def own_seconds(self) -> int:
        """Whole seconds by this side's own clock, suspensions left out."""
        return self.own_ns // NS

    def take(self, event: Event, now_ns: int) -> None:
        """Note one event."""
        match event:
            case Accepted():
                self.accepted_at_ns = self.accepted_at_ns or now_ns
            case Started():
                self.started, self.started_at_ns, self.running_since_ns = event, now_ns, now_ns
            case Tick():
                self.ticks.append(event)
                self.tick_at_ns.append(now_ns)
            case Suspended():
                self.suspensions.append(event)
                self.halt(now_ns)
            case Resumed():
                self.suspensions.append(event)
                self.running_since_ns = now_ns
            case Ended():
                self.ended, self.ended_at_ns = event, now_ns
                self.halt(self.tick_at_ns[-1] if self.tick_at_ns else now_ns)
            case _:
                self._take_aside(event)

    def halt(self, at_ns: int) -> None:
        """Stop the own count at `at_ns`; later stops change nothing."""
        if self.running_since_ns:
            self.own_ns += max(0, at_ns - self.running_since_ns)
            self.running_since_ns = 0

    def _take_aside(self, event: Event) -> None:
        match event:
            case Warned():
                self.warnings.append(event)
            case ConsentAsked() | Consented() | Spent():
                self.questions.append(event)
            case LegLost() | LegBack() | LegReplaced():
                self.legs.append(event)
            case ChatMessage():
                self.lines.append(event)
            case ChatStatus():
                self.statuses.append(event)
            case MuteChanged():
                self.mutes.append(event)
            case Notice():
                self.notices.append(event)
            case Problem():
                self.problems.append(event)
            case WalletPushed():
                self.wallet = event
            case _:
                pass
