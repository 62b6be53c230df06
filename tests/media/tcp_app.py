"""An app whose network lets no UDP through: the same app, framed over TCP."""

import asyncio

from aiortc import RTCCertificate
from aiortc.sdp import SessionDescription

from gateway.media.tcp_frame import Deframer, framed
from tests.media.app import CERTIFICATES, App
from tests.media.handset import WAIT_S


class TcpApp(App):
    """`App` over one TCP connection to the passive candidate of the answer."""

    def __init__(self, certificate: RTCCertificate = CERTIFICATES[0]) -> None:
        super().__init__(certificate)
        self._deframer = Deframer()
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def outer(self) -> tuple[str, int]:
        """Its own address, as the gateway's machine sees it."""
        assert self._writer is not None
        host, port = self._writer.get_extra_info("sockname")[:2]
        return host, port

    def take(self, answer: str) -> None:
        super().take(answer)
        self.target = candidate(answer)

    async def connect(self) -> None:
        """Open the connection; the first frame is the next that is sent."""
        self._reader, self._writer = await asyncio.open_connection(*self.target)
        self._reading = asyncio.get_running_loop().create_task(self._read(self._reader))

    async def join(self, answer: str) -> None:
        """Everything from the answer to a connected leg."""
        self.take(answer)
        await self.connect()
        await self.check()
        assert await self.shake_hands()

    def send(self, datagram: bytes) -> None:
        self.write(framed(datagram))

    def write(self, data: bytes) -> None:
        """Bytes as they are."""
        assert self._writer is not None
        self._writer.write(data)

    async def until_closed(self) -> None:
        """Return when the gateway has closed the connection."""
        assert self._reading is not None
        await asyncio.wait_for(asyncio.shield(self._reading), WAIT_S)

    async def hang_up(self) -> None:
        """Close the connection without a word."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def close(self) -> None:
        await super().close()
        await self.hang_up()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(65_536):
                for datagram in self._deframer.feed(data):
                    self._take(datagram)
        except ConnectionError:
            return


def candidate(answer: str) -> tuple[str, int]:
    """Address and port of the first passive TCP candidate in an answer."""
    found = [
        each
        for each in SessionDescription.parse(answer).media[0].ice_candidates
        if (each.protocol, each.tcpType) == ("tcp", "passive")
    ]
    return found[0].ip, found[0].port
