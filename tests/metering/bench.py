"""A meter on a bench: simulated legs and apps whose presence is set by hand."""

from dataclasses import dataclass, field
from typing import Any

from gateway.clock import NS
from gateway.ids import AccountId, SessionId
from gateway.limits import JOURNAL_AFTER_NS
from gateway.metering import effect
from gateway.metering.effect import Effect
from gateway.metering.meter import Meter
from gateway.metering.phase import MeterPhase
from gateway.metering.record import Record
from gateway.metering.schedule import Switch
from gateway.metering.tariff import parse
from gateway.terms import LegEvidence, MeterOrder, SessionKind, Side, TariffSnapshot

T0 = 1_000 * NS
WALL0 = 1_790_000_000 * NS
PLENTY = 10**12

TERMS: dict[str, Any] = {
    "version": 1,
    "kind": "per_second",
    "currency": "CNY",
    "tiers": [{"from_s": 0, "price_micros_per_minute": 3_000_000}],
    "connect_fee_micros": 0,
    "free_s": 0,
    "initial_block_s": 0,
    "increment_s": 1,
    "minimum_micros": 0,
    "cap_micros": None,
    "free_if_ended_within_s": 0,
    "billed_when_socket_only": False,
}


def terms(**changes: Any) -> dict[str, Any]:
    """Tariff terms with some keys changed."""
    return {**TERMS, **changes}


def order(kind: SessionKind = SessionKind.VOICE, **changes: Any) -> MeterOrder:
    """An order at 3 CNY a minute unless said otherwise."""
    fields: dict[str, Any] = {
        "session": SessionId("ses_1"),
        "client": AccountId("acc_client"),
        "provider": AccountId("acc_provider"),
        "kind": kind,
        "tariff": TariffSnapshot.of(TERMS),
        "fee_bp": 2000,
        "duration_s_max": 4 * 3600,
        "nonce_client": "nc",
        "nonce_provider": "np",
    }
    return MeterOrder(**{**fields, **changes})


def evidence(side: Side, **changes: Any) -> LegEvidence:
    """A connected leg's counters, all at rest unless changed."""
    fields: dict[str, Any] = {
        "session": SessionId("ses_1"),
        "side": side,
        "connected": True,
        "rtp_packets": 0,
        "rtp_first_ns": 0,
        "rtp_last_ns": 0,
        "rtcp_last_ns": 0,
        "stun_last_ns": 0,
        "sctp_last_ns": 0,
        "rtp_forwarded": 0,
        "rtp_span": 0,
        "level_dbov": -30,
    }
    return LegEvidence(**{**fields, **changes})


@dataclass
class Person:
    """What a participant's leg and app do as time passes."""

    side: Side
    talks: bool = True
    """Sends RTP."""
    answers: bool = True
    """Sends RTCP and consent."""
    acks: bool = True
    """Acknowledges each tick."""
    rtp_ppm: int = 1_000_000
    """Rate of the leg's RTP clock; 1,000,000 is true."""
    app_ppm: int | None = None
    """Rate of the app's own clock; None: it says nothing of it."""
    leg: LegEvidence = field(init=False)
    clock_ns: int = 0
    """What the app's own clock says."""
    rtp_units: int = 0
    """What the leg's RTP clock says, in 48 kHz units."""

    def __post_init__(self) -> None:
        self.leg = evidence(self.side)

    @property
    def clock_ms(self) -> int | None:
        """What the app says of its clock with an acknowledgement."""
        return None if self.app_ppm is None else self.clock_ns // 1_000_000

    def live(self, now_ns: int) -> None:
        """A quarter of a second of the leg's life."""
        self.clock_ns += NS // 4 * (self.app_ppm or 0) // 1_000_000
        self.rtp_units += 12_000 * self.rtp_ppm // 1_000_000
        if self.talks:
            packets = self.leg.rtp_packets + 12
            self.leg = self.leg._replace(
                rtp_packets=packets,
                rtp_first_ns=self.leg.rtp_first_ns or now_ns,
                rtp_last_ns=now_ns,
                rtp_forwarded=packets,
                rtp_span=self.rtp_units,
            )
        if self.answers:
            self.leg = self.leg._replace(rtcp_last_ns=now_ns, stun_last_ns=now_ns, sctp_last_ns=now_ns)


class Bench:
    """A meter, two people and a clock that moves a quarter of a second at a time."""

    def __init__(self, made: MeterOrder | None = None, *, funds_left_s: int = 100_000) -> None:
        made = made or order()
        self.meter = Meter(made, parse(made.tariff.terms()), boot="boot-1")
        self.now_ns, self.wall_ns = T0, WALL0
        self.client, self.provider = Person(Side.CLIENT), Person(Side.PROVIDER)
        self.effects: list[Effect] = []
        self.funds_left_s = funds_left_s
        self.stores = True
        """The journal takes its row at half past each second."""
        self.journal = b""
        """What the journal has."""
        self.heads: dict[int, str] = {}
        """What went out with each tick."""
        self.meter.hold_placed(PLENTY)

    @property
    def people(self) -> tuple[Person, Person]:
        """Client, provider."""
        return self.client, self.provider

    def connect(self, *, confirms: bool = True) -> "Bench":
        """The session is accepted and both apps hear each other."""
        self.meter.connect(self.now_ns, wall_ns=self.wall_ns)
        if confirms:
            for side in Side:
                self.meter.confirm(side, self.now_ns)
        return self

    def started(self) -> "Bench":
        """Runs until the first second begins."""
        self.connect()
        while self.meter.phase is not MeterPhase.RUNNING:
            self.step()
        while self.now_ns < self.meter.segment_at_ns:
            self.step()
        return self

    def recover(self, before: "Bench", *, switches: tuple[Switch, ...] = ()) -> "Bench":
        """A new process takes up what `before` left in the journal."""
        record = Record.replayed(before.meter.order, bytes(before.meter.record.entries))
        self.effects += self.meter.recover(record, self.now_ns, wall_ns=self.wall_ns, switches=switches)
        return self

    def step(self) -> None:
        """A quarter of a second passes."""
        self.now_ns += NS // 4
        self.wall_ns += NS // 4
        for person in self.people:
            person.live(self.now_ns)
            self.meter.observe(person.leg, self.now_ns)
        self.effects += self.meter.advance(self.now_ns, self.wall_ns)
        if self.stores and self.now_ns % NS == JOURNAL_AFTER_NS:
            self.journal += self.meter.record.take_new()
            self.meter.record.stored()
        for made in self.meter.second(self.now_ns, funds_left_s=self.funds_left_s):
            self.effects.append(made)
            if isinstance(made, effect.Ticked):
                self.heads[made.number] = made.head
                self.acknowledge(made.number)

    def acknowledge(self, tick: int) -> None:
        """Apps that acknowledge do so at once."""
        for person in self.people:
            if person.acks:
                self.meter.acknowledge(person.side, tick, self.heads[tick], person.clock_ms)

    def run(self, seconds: int) -> "Bench":
        """So many seconds pass."""
        for _ in range(4 * seconds):
            self.step()
        return self

    def ended(self, *, within_s: int = 60) -> "Bench":
        """Runs until every second is found."""
        for _ in range(4 * within_s):
            if self.meter.phase is MeterPhase.STOPPED:
                break
            self.step()
        self.meter.freeze(self.now_ns, self.wall_ns)
        return self

    def of(self, kind: type[Any]) -> list[Any]:
        """Effects of one kind so far."""
        return [made for made in self.effects if isinstance(made, kind)]
