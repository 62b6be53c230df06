"""One socket from its first frame to its last.

Decides the order of admission: rate, size, readable, signed in; then `dispatch.py`
acts. Also the socket's own deadlines: sign-in, silence, the token's expiry.
Never knows what a message does.
Keeps: nothing but `auth` is taken before sign-in; messages of one socket are
taken one at a time, in order; leaving always detaches the legs.
"""

from collections.abc import Awaitable, Callable

from gateway.clock import NS, Clock
from gateway.errors import GatewayError, Unauthenticated
from gateway.limits import AUTH_DEADLINE_NS, DEAD_S, SOCKET_MESSAGE_BYTES_MAX, SOCKET_MESSAGES_PER_S
from gateway.signaling.adapters import codec
from gateway.signaling.adapters.dispatch import Dispatch
from gateway.signaling.adapters.problem import of_failure, of_outcome
from gateway.signaling.adapters.socket_connection import SocketConnection
from gateway.signaling.adapters.wire import AnyMessage, Auth, Unreadable, message_of
from gateway.signaling.desk_service import Desk
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import Tokens
from gateway.signaling.rate import Rate
from gateway.signaling.socket_ports import Alarm, CloseCode, Timer
from gateway.terms import Principal


class Conversation:
    """What is said on one socket."""

    def __init__(
        self,
        connection: SocketConnection,
        *,
        desk: Desk,
        dispatch: Dispatch,
        tokens: Tokens,
        clock: Clock,
        timer: Timer,
    ) -> None:
        self.connection = connection
        self._desk = desk
        self._dispatch = dispatch
        self._tokens = tokens
        self._clock = clock
        self._timer = timer
        self._alarms: dict[str, Alarm] = {}
        self._rate = Rate(interval_ns=NS // SOCKET_MESSAGES_PER_S, burst=2 * SOCKET_MESSAGES_PER_S)
        self._heard_at_ns = clock.monotonic_ns()

    async def run(self) -> None:
        """Take messages until the socket closes."""
        self._arm("auth", AUTH_DEADLINE_NS, self._closer(CloseCode.UNAUTHENTICATED, "not signed in in time"))
        self._watch_silence(DEAD_S * NS)
        try:
            while (data := await self.connection.receive()) is not None:
                await self._take(data)
        finally:
            for alarm in self._alarms.values():
                alarm.cancel()
            if self.connection.is_signed_in:
                self._desk.legs.detach(self.connection)
            await self.connection.settle()

    async def _take(self, data: str | bytes) -> None:
        if self.connection.is_closing:
            return
        self._heard_at_ns = self._clock.monotonic_ns()
        if not self._rate.take(self._heard_at_ns):
            self.connection.close(CloseCode.FLOOD, "too many messages")
        elif codec.bytes_in(data) > SOCKET_MESSAGE_BYTES_MAX:
            self.connection.close(CloseCode.TOO_LARGE, "message too large")
        else:
            await self._read(data)

    async def _read(self, data: str | bytes) -> None:
        try:
            message = message_of(codec.read(self.connection.subprotocol, data))
        except Unreadable as fault:
            self.connection.send(of_outcome(fault.outcome, re=fault.re, detail=fault.detail))
            return
        if isinstance(message, Auth):
            await self._sign_in(message)
        elif self.connection.is_signed_in:
            await self._dispatch.take(self.connection, message)
        else:
            self._refuse(message)

    def _refuse(self, message: AnyMessage) -> None:
        self.connection.send(of_outcome(Outcome.UNAUTHENTICATED, re=message.id))
        self.connection.close(CloseCode.UNAUTHENTICATED, "sign in first")

    async def _sign_in(self, message: Auth) -> None:
        try:
            principal = self._verified(message.token)
        except Unauthenticated as failure:
            self.connection.send(of_failure(failure, re=message.id))
            self.connection.close(CloseCode.UNAUTHENTICATED, "token refused")
            return
        is_first = not self.connection.is_signed_in
        self.connection.sign_in(principal)
        if is_first and (alarm := self._alarms.pop("auth", None)):
            alarm.cancel()
        left_ns = principal.expires_at_s * NS - self._clock.wall_ns()
        self._arm("expiry", left_ns, self._closer(CloseCode.UNAUTHENTICATED, "token expired"))
        try:
            await self._desk.greet(self.connection, re=message.id, resume=message.resume, is_first=is_first)
        except GatewayError as failure:
            # Without a welcome the app knows nothing; it comes back and tries again.
            self.connection.send(of_failure(failure, re=message.id))
            self.connection.close(CloseCode.GOING_AWAY, "try again shortly")

    def _verified(self, token: str) -> Principal:
        """Who the token speaks for; on a signed-in socket it must be the same person and session.

        Raises:
            Unauthenticated: it is no good here.
        """
        principal = self._tokens.verify(token)
        if principal.expires_at_s * NS <= self._clock.wall_ns():
            raise Unauthenticated("The token has expired.")
        if self.connection.is_signed_in:
            present = self.connection.principal
            if (principal.account, principal.session) != (present.account, present.session):
                raise Unauthenticated("This socket belongs to another account.")
        return principal

    def _watch_silence(self, delay_ns: int) -> None:
        async def check() -> None:
            silent_ns = self._clock.monotonic_ns() - self._heard_at_ns
            if silent_ns >= DEAD_S * NS:
                self.connection.close(CloseCode.TOO_SLOW, "silent for too long")
            else:
                self._watch_silence(DEAD_S * NS - silent_ns)

        self._arm("silence", delay_ns, check)

    def _closer(self, code: CloseCode, reason: str) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            self.connection.close(code, reason)

        return close

    def _arm(self, name: str, delay_ns: int, action: Callable[[], Awaitable[None]]) -> None:
        if alarm := self._alarms.pop(name, None):
            alarm.cancel()
        self._alarms[name] = self._timer.after(delay_ns, action)
