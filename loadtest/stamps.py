"""When each packet was sent, so that its arrival says how long it took.

Decides how an arriving packet finds its sending time: by sequence number, after
one packet was recognised by its payload, because a relay may shift sequence
numbers but not the order. Times stand in a side table, never in the packet.
Keeps: a packet is counted once; packets outside the counted span are not counted.
"""

from array import array

from loadtest.voice import Recording, Voice, payload_of

SEQUENCES = 1 << 16


class Stamps:
    """The sending times of one voice."""

    def __init__(self, voice: Voice, recording: Recording) -> None:
        self._voice = voice
        self._places = {payload: place for place, payload in enumerate(recording.payloads)}
        self._sent_ns = array("q", bytes(8 * SEQUENCES))
        self._shift: int | None = None
        self.is_counting = False
        """Whether packets sent from now on are counted."""
        self.sent = 0
        """Packets counted."""
        self.delivered = 0
        """Of those, how many arrived."""
        self.took_us: array[int] = array("L")
        """How long each of those took, in microseconds."""

    def note_sent(self, sequence: int, now_ns: int) -> None:
        """A packet is about to be sent."""
        if self.is_counting:
            self.sent += 1
            self._sent_ns[sequence] = now_ns
        else:
            self._sent_ns[sequence] = 0

    def note_arrived(self, packet: bytes, now_ns: int) -> None:
        """A decrypted packet arrived at the other end."""
        sequence = (packet[2] << 8) | packet[3]
        if self._shift is None:
            place = self._places.get(payload_of(packet))
            if place is None:
                return
            self._shift = (sequence - self._voice.sequence_of(place)) & 0xFFFF
        original = (sequence - self._shift) & 0xFFFF
        sent_ns = self._sent_ns[original]
        if sent_ns:
            self._sent_ns[original] = 0
            self.delivered += 1
            self.took_us.append((now_ns - sent_ns) // 1_000)
