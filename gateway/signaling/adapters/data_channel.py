"""Chat over the legs' data channels: the same messages, another path.

Decides that only chat.send and chat.read travel there, and that a problem goes
back the way the message came.
Never decides what becomes of a line (`chat_service.py`); who sent it is proven
by the leg's DTLS, so no token is needed.
Keeps: lines of one leg are taken in the order they came.
"""

from collections.abc import Callable
from typing import assert_never

from gateway.errors import GatewayError
from gateway.ids import SessionId
from gateway.signaling.adapters import codec
from gateway.signaling.adapters.problem import of_failure, of_outcome
from gateway.signaling.adapters.wire import ChatRead, ChatSend, Unreadable, message_of
from gateway.signaling.chat_service import ChatService
from gateway.signaling.notice import Notice
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import Media
from gateway.signaling.socket_ports import Timer
from gateway.terms import Side


class DataChannel:
    """The `Channel` that chat delivers by."""

    def __init__(self, media: Media) -> None:
        self._media = media

    def send(self, session: SessionId, side: Side, notice: Notice) -> bool:
        """Hand one message to that leg's open channel; False where there is none."""
        return self._media.send_text(session, side, codec.json_text(notice))


class DataChannelInbox:
    """Takes what legs send; its `on_text` is media's `Listener`."""

    def __init__(self, *, chat: ChatService, channel: DataChannel, timer: Timer) -> None:
        self._chat = chat
        self._channel = channel
        self._timer = timer

    def on_text(self, session: SessionId, side: Side, text: str) -> None:
        """Take one message from a leg; beyond the rate it is dropped unread."""
        if not self._chat.may_speak(session, side):
            return

        def reply(notice: Notice) -> None:
            self._channel.send(session, side, notice)

        try:
            message = message_of(codec.read(codec.Subprotocol.JSON, text))
        except Unreadable as fault:
            reply(of_outcome(fault.outcome, re=fault.re, detail=fault.detail))
            return
        if not isinstance(message, ChatSend | ChatRead):
            reply(of_outcome(Outcome.UNKNOWN_TYPE, re=message.id, detail="Only chat travels here."))
        elif message.session != session:
            reply(of_outcome(Outcome.NOT_FOUND, re=message.id))
        else:
            self._timer.spawn(lambda: self._take(side, message, reply))

    async def _take(self, side: Side, message: ChatSend | ChatRead, reply: Callable[[Notice], None]) -> None:
        try:
            outcome = await self._outcome(side, message, reply)
        except GatewayError as failure:
            reply(of_failure(failure, re=message.id))
            return
        if outcome is not Outcome.DONE:
            reply(of_outcome(outcome, re=message.id))

    async def _outcome(
        self, side: Side, message: ChatSend | ChatRead, reply: Callable[[Notice], None]
    ) -> Outcome:
        match message:
            case ChatSend():
                return await self._chat.send_by_channel(
                    message.session, side, line_id=message.id, text=message.text, reply=reply
                )
            case ChatRead():
                return await self._chat.read_by_channel(message.session, side, message.seq)
            case _:
                assert_never(message)
