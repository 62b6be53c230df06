"""Every input in every phase does what the table says and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.clock import NS
from gateway.metering import effect
from gateway.metering.meter import Meter
from gateway.metering.phase import TABLE, MeterInput, MeterPhase, Response
from gateway.terms import ConsentKind, EndReason, Side, SuspendReason
from tests.metering.bench import Bench, evidence

pytestmark = pytest.mark.core


def in_phase(phase: MeterPhase) -> Bench:
    """A meter that came to `phase` by its own rules."""
    bench = Bench()
    match phase:
        case MeterPhase.OPEN:
            pass
        case MeterPhase.AWAITING:
            bench.connect(confirms=False)
        case MeterPhase.RUNNING:
            bench.started().run(3)
        case MeterPhase.SUSPENDED:
            bench.started().run(3)
            bench.meter.pause(SuspendReason.OPERATOR, bench.now_ns)
            bench.step()
        case MeterPhase.RECOVERING:
            bench.recover(Bench().started().run(3))
        case MeterPhase.DRAINING:
            bench.started()
            bench.client.acks = False
            bench.run(3)
            bench.meter.stop(EndReason.OPERATOR, bench.now_ns)
        case MeterPhase.STOPPED:
            bench.started().run(3)
            bench.meter.stop(EndReason.OPERATOR, bench.now_ns)
            bench.ended()
    assert bench.meter.phase is phase
    return bench


def snapshot(meter: Meter) -> str:
    """Everything a meter keeps, as text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple | set):
            return [plain(each) for each in value]
        slots = getattr(type(value), "__slots__", ())
        if slots and not isinstance(value, str | int):
            return [type(value).__name__, *(plain(getattr(value, name, None)) for name in slots)]
        return (
            plain(vars(value)) if hasattr(value, "__dict__") and not isinstance(value, str) else repr(value)
        )

    return repr(plain(vars(meter)))


def give(given: MeterInput) -> Callable[[Bench], Any]:
    """How each input is given, so that a meter that takes it must change."""
    now: Callable[[Bench], int] = lambda bench: bench.now_ns + NS  # noqa: E731
    return {
        MeterInput.CONNECT: lambda b: b.meter.connect(now(b), wall_ns=b.wall_ns),
        MeterInput.CONFIRM: lambda b: b.meter.confirm(Side.CLIENT, now(b)),
        MeterInput.ACK: lambda b: b.meter.acknowledge(Side.CLIENT, 3, "wrong"),
        MeterInput.MEDIA: lambda b: b.meter.observe(
            evidence(Side.CLIENT, rtp_packets=9_999, rtp_last_ns=now(b)), now(b)
        ),
        MeterInput.MUTE: lambda b: b.meter.set_muted(Side.CLIENT, muted=True),
        MeterInput.LINE: lambda b: b.meter.line_sent(now(b), Side.CLIENT),
        MeterInput.SOCKET: lambda b: b.meter.set_socket(
            Side.CLIENT, present=not b.meter.sides[Side.CLIENT].has_socket
        ),
        MeterInput.PAUSE: lambda b: b.meter.pause(SuspendReason.SOS, now(b)),
        MeterInput.RESUME: lambda b: b.meter.resume(SuspendReason.OPERATOR, now(b)),
        MeterInput.STOP: lambda b: b.meter.stop(EndReason.SOS, now(b)),
        MeterInput.HOLD: lambda b: b.meter.hold_placed(1),
        MeterInput.CONSENT: lambda b: b.meter.consent(ConsentKind.SPEND, now(b), wall_ns=b.wall_ns),
        MeterInput.SECOND: lambda b: b.meter.advance(b.now_ns + 40 * NS, b.wall_ns + 40 * NS),
    }[given]


CHANGES_NOTHING_YET = {
    (MeterPhase.RUNNING, MeterInput.ACK),
    (MeterPhase.SUSPENDED, MeterInput.ACK),
    (MeterPhase.DRAINING, MeterInput.ACK),
    (MeterPhase.RUNNING, MeterInput.CONSENT),
    (MeterPhase.SUSPENDED, MeterInput.CONSENT),
    (MeterPhase.AWAITING, MeterInput.RESUME),
    (MeterPhase.RUNNING, MeterInput.RESUME),
    (MeterPhase.RECOVERING, MeterInput.RESUME),
}
"""Taken, but with this content (a wrong head, no such pause, nothing asked) there is nothing to change."""


@pytest.mark.parametrize("phase", MeterPhase)
@pytest.mark.parametrize("given", MeterInput)
def test_every_input_in_every_phase_does_what_the_table_says(phase: MeterPhase, given: MeterInput) -> None:
    bench = in_phase(phase)
    before = snapshot(copy.deepcopy(bench.meter))

    answer = give(given)(bench)

    has_changed = snapshot(bench.meter) != before
    expected = TABLE[phase, given]
    if (phase, given) in CHANGES_NOTHING_YET:
        assert expected is Response.TAKEN
    else:
        assert has_changed == (expected is Response.TAKEN)
    if given is MeterInput.ACK:
        assert answer is (effect.Ack.HEAD_MISMATCH if expected is Response.TAKEN else effect.Ack.NOT_RUNNING)
    if given is MeterInput.CONFIRM and not has_changed:
        assert answer in (Response.IGNORED, Response.REFUSED)


def test_the_table_names_every_pair() -> None:
    assert set(TABLE) == {(phase, given) for phase in MeterPhase for given in MeterInput}
