"""A real WebRTC leg: aiortc's peer connection with speech, ears and a data channel.

Decides what a leg offers (one Opus track where it has a voice, the data channel
`gateway` always, everything bundled) and when it hears the other side.
Never signals; `participant.py` carries the descriptions. aiortc cannot restart
ICE: a leg that lost its way is closed and a new one joins in its place.
See docs/media.md.
"""

import asyncio
from collections.abc import Callable, Sequence

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from gateway.sdk.hearing import Hearing
from gateway.sdk.loopback import keep_to_loopback
from gateway.sdk.problem import NothingCame
from gateway.sdk.speech import Speech, SpeechTrack

CHANNEL_LABEL = "gateway"
POLL_S = 0.01
"""How often the receiver is asked whether a packet came."""

TextListener = Callable[[str], None]


class Peer:
    """One leg. Create inside a running loop; close it, or aiortc leaves a thread behind."""

    def __init__(
        self,
        *,
        speech: Speech | None,
        is_loopback: bool,
        is_video: bool = False,
        ice_servers: Sequence[dict[str, object]] = (),
        on_text: TextListener | None = None,
    ) -> None:
        """`speech` None makes a leg with a data channel only, as a text session wants.

        A leg of video looks on: it shows no picture of its own, and drops what it sees undecoded.
        """
        servers = [] if is_loopback else [_ice_server(server) for server in ice_servers]
        self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._is_loopback = is_loopback
        self._on_text = on_text
        self._open = asyncio.Event()
        self._track = SpeechTrack(speech) if speech is not None else None
        if self._track is not None:
            self._connection.addTrack(self._track)
            self._connection.on("track", self._heard)
        if is_video:
            self._connection.addTransceiver("video", direction="recvonly")
        self._channel = self._connection.createDataChannel(CHANNEL_LABEL)
        self._channel.on("open", self._open.set)
        self._channel.on("message", self._read)
        self.hearing = Hearing()
        """What came from the other side."""

    async def offer(self) -> str:
        """The offer, with all candidates in it."""
        if self._is_loopback:
            keep_to_loopback(self._connection)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def take_answer(self, sdp: str) -> None:
        """Begin to connect."""
        await self._connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))

    async def until_heard(self, timeout_s: float = 15.0) -> None:
        """Return when the first packet of the other side's voice has arrived.

        Raises:
            NothingCame: silence for `timeout_s`.
        """
        transceivers = self._connection.getTransceivers()
        (receiver,) = (each.receiver for each in transceivers if each.kind == "audio")
        try:
            async with asyncio.timeout(timeout_s):
                while not receiver.getSynchronizationSources():  # noqa: ASYNC110 - aiortc tells nobody
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise NothingCame(f"no audio packet within {timeout_s} s, {self.state}") from None

    async def until_open(self, timeout_s: float = 15.0) -> None:
        """Return when the data channel is open.

        Raises:
            NothingCame: not within `timeout_s`.
        """
        try:
            await asyncio.wait_for(self._open.wait(), timeout_s)
        except TimeoutError:
            raise NothingCame(f"the data channel did not open within {timeout_s} s, {self.state}") from None

    def say(self, text: str) -> bool:
        """Send one text message on the data channel; False where it is not open."""
        if self._channel.readyState != "open":
            return False
        self._channel.send(text)
        return True

    @property
    def has_voice(self) -> bool:
        """Whether this leg sends and hears audio."""
        return self._track is not None

    def set_muted(self, *, muted: bool) -> None:
        """Send silence, or the recording again."""
        if self._track is not None:
            self._track.is_muted = muted

    @property
    def state(self) -> str:
        """How the connection stands, for people."""
        return f"connection {self._connection.connectionState}, ICE {self._connection.iceConnectionState}"

    async def close(self) -> None:
        """Close DTLS, the sockets and the decoder's thread."""
        await self.hearing.stop()
        await self._connection.close()

    def _heard(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self.hearing.start(track)

    def _read(self, message: str | bytes) -> None:
        if self._on_text is not None and isinstance(message, str):
            self._on_text(message)


def _ice_server(entry: dict[str, object]) -> RTCIceServer:
    urls, username, credential = entry["urls"], entry.get("username"), entry.get("credential")
    return RTCIceServer(
        urls=[str(url) for url in urls] if isinstance(urls, list) else str(urls),
        username=None if username is None else str(username),
        credential=None if credential is None else str(credential),
    )
