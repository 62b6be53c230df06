"""Where a meter is in its life and what each input does to it then.

Decides, as one table over phase × input, whether an input is taken, ignored or
refused; `meter.py` asks it before anything else. The session's own states are
`gateway.terms.SessionState`; a phase is what they look like from here.
Keeps: every pair is in the table (the test walks the product).
"""

from enum import StrEnum


class MeterPhase(StrEnum):
    """Where a meter is."""

    OPEN = "open"
    """Registered with its first hold; the session rings."""
    AWAITING = "awaiting"
    """Accepted; the start witnesses are awaited."""
    RUNNING = "running"
    """Seconds count."""
    SUSPENDED = "suspended"
    """Seconds pass without counting."""
    RECOVERING = "recovering"
    """Restored from the journal; waits for both parties to come back."""
    DRAINING = "draining"
    """Stopped; the last seconds wait for their far bracket."""
    STOPPED = "stopped"
    """Every second is found; nothing changes any more."""


class MeterInput(StrEnum):
    """What can reach a meter."""

    CONNECT = "connect"
    CONFIRM = "confirm"
    ACK = "ack"
    MEDIA = "media"
    MUTE = "mute"
    LINE = "line"
    SOCKET = "socket"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    HOLD = "hold"
    CONSENT = "consent"
    SECOND = "second"


class Response(StrEnum):
    """What becomes of an input."""

    TAKEN = "taken"
    """It changes the meter."""
    IGNORED = "ignored"
    """It is late or early and harmless; nothing changes."""
    REFUSED = "refused"
    """The sender is told that it is not possible now; nothing changes."""


_T, _I, _R = Response.TAKEN, Response.IGNORED, Response.REFUSED

_ROWS: dict[MeterInput, tuple[Response, ...]] = {
    #                     open awai runn susp reco drai stop
    MeterInput.CONNECT: (_T, _I, _I, _I, _I, _I, _I),
    MeterInput.CONFIRM: (_R, _T, _I, _I, _I, _I, _R),
    MeterInput.ACK: (_R, _R, _T, _T, _R, _T, _R),
    MeterInput.MEDIA: (_I, _T, _T, _T, _T, _T, _I),
    MeterInput.MUTE: (_T, _T, _T, _T, _T, _I, _I),
    MeterInput.LINE: (_I, _T, _T, _T, _I, _I, _I),
    MeterInput.SOCKET: (_I, _I, _T, _T, _T, _I, _I),
    MeterInput.PAUSE: (_I, _T, _T, _T, _T, _I, _I),
    MeterInput.RESUME: (_I, _T, _T, _T, _T, _I, _I),
    MeterInput.STOP: (_T, _T, _T, _T, _T, _I, _I),
    MeterInput.HOLD: (_T, _T, _T, _T, _T, _I, _I),
    MeterInput.CONSENT: (_R, _R, _T, _T, _R, _R, _R),
    MeterInput.SECOND: (_I, _T, _T, _T, _T, _T, _I),
}

TABLE: dict[tuple[MeterPhase, MeterInput], Response] = {
    (phase, given): answer
    for given, row in _ROWS.items()
    for phase, answer in zip(MeterPhase, row, strict=True)
}
"""What every input does in every phase."""
