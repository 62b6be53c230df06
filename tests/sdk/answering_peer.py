"""A peer that answers: aiortc's own connection in the gateway's place."""

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from gateway.sdk.hearing import Hearing
from gateway.sdk.loopback import keep_to_loopback
from gateway.sdk.speech import Speech, SpeechTrack


class AnsweringPeer:
    """Answers one offer, says a recording, echoes every text line."""

    def __init__(self, speech: Speech | None) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.hearing = Hearing()
        self.texts: list[str] = []
        self._speech = speech
        self.connection.on("track", self.hearing.start)
        self.connection.on("datachannel", self._channel)

    async def answer(self, offer: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        if self._speech is not None and "m=audio" in offer:
            self.connection.addTrack(SpeechTrack(self._speech))
        keep_to_loopback(self.connection)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    async def close(self) -> None:
        await self.hearing.stop()
        await self.connection.close()

    def _channel(self, channel: RTCDataChannel) -> None:
        def take(text: str) -> None:
            self.texts.append(text)
            channel.send(f"echo {text}")

        channel.add_listener("message", take)
