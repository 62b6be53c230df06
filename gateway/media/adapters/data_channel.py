"""The data channel of one leg: SCTP inside DTLS, by aiortc (RFC 8831, RFC 8832).

Decides which channel counts (the first open one labelled `gateway`), what comes
up (text messages under the limit), and when sending is refused. What a message
says is signalling's; this file never reads it.
Keeps: nothing waits without bound, neither channels nor bytes.
"""

from collections.abc import Callable

from aiortc import RTCDataChannel, RTCSctpCapabilities, RTCSctpTransport
from aiortc.exceptions import InvalidStateError

from gateway.limits import SOCKET_MESSAGE_BYTES_MAX
from gateway.media.adapters.dtls import LegDtls

LABEL = "gateway"
"""The one channel that is listened to."""
SCTP_PORT = 5000
"""The gateway's SCTP port inside DTLS."""
BUFFERED_BYTES_MAX = 256 * 1024
"""Outgoing bytes waiting for the app; beyond it messages go by the socket."""
CHANNELS_MAX = 16
"""Channels that a leg may ever open; beyond it the leg is closed."""


class DataChannel:
    """SCTP and the channel on it.

    Args:
        dtls: the leg's tunnel.
        on_text: hears every text message.
        on_refused: called for every message or channel that is not taken.
        on_flood: called where the leg opens more than CHANNELS_MAX channels.
    """

    def __init__(
        self,
        dtls: LegDtls,
        *,
        on_text: Callable[[str], None],
        on_refused: Callable[[], None],
        on_flood: Callable[[], None],
    ) -> None:
        self._sctp = RTCSctpTransport(dtls, port=SCTP_PORT)
        self._on_text = on_text
        self._on_refused = on_refused
        self._on_flood = on_flood
        self._channel: RTCDataChannel | None = None
        self._opened = 0
        self._sctp.on("datachannel", self._open)

    async def start(self, *, port: int, message_bytes_max: int) -> None:
        """Begin the association; `port` and `message_bytes_max` are the app's."""
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=message_bytes_max), port)

    def send(self, text: str) -> bool:
        """Send a text message; False without an open channel or with too much waiting."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > BUFFERED_BYTES_MAX:
            return False
        try:
            channel.send(text)
        except (ValueError, InvalidStateError):
            return False
        return True

    async def shut(self) -> None:
        """Abort the association, and let go of the channel."""
        await self._sctp.stop()
        self._sctp.remove_all_listeners()
        if self._channel is not None:
            self._channel.remove_all_listeners()
            self._channel = None

    def _open(self, channel: RTCDataChannel) -> None:
        self._opened += 1
        if self._opened > CHANNELS_MAX:
            self._on_flood()
        elif channel.label != LABEL or (self._channel is not None and self._channel.readyState == "open"):
            self._on_refused()
            channel.close()
        else:
            self._channel = channel
            channel.on("message", self._take)

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, str) and len(message) <= SOCKET_MESSAGE_BYTES_MAX:
            self._on_text(message)
        else:
            self._on_refused()
