"""Everything signalling is handed, in one value.

Declares nothing of its own: it names the ports so that a service takes one
argument instead of ten. `app.py` makes it once; tests make it of fakes.
"""

from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.facts import FactSink
from gateway.ids import IdSource
from gateway.signaling.chat_ports import Channel, Lines
from gateway.signaling.load import Marks
from gateway.signaling.ports import Media, Meters, People, Sessions, Unmeasured, Vitals, Watch
from gateway.signaling.presence_ports import PresenceStore
from gateway.signaling.reader_ports import ReceiptReader
from gateway.signaling.socket_ports import Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What surrounds signalling."""

    meters: Meters
    media: Media
    people: People
    watch: Watch
    sessions: Sessions
    """Where sessions are stored."""
    lines: Lines
    """Where lines of text are stored."""
    channel: Channel
    """The legs' data channels."""
    receipts: ReceiptReader
    presence: PresenceStore
    """Where presence is shared between nodes."""
    timer: Timer
    clock: Clock
    ids: IdSource
    sink: FactSink
    vitals: Vitals = field(default_factory=Unmeasured)
    marks: Marks = field(default_factory=Marks)
    """When this node is full; by default only the count of sessions is judged."""
