"""Who is connected, and how to reach a side of a session.

Decides which sockets a message goes to: the one that controls the leg; all of
the account's while no one does; none while the leg is lost, because what
happened meanwhile is in the next welcome.
Never authenticates or reads sockets (`adapters/socket_server.py`).
Keeps: SOCKETS_PER_ACCOUNT_MAX per account, the oldest gives way; an ended
session that nobody could be told of is told to the next socket.
"""

from collections import OrderedDict
from collections.abc import Iterable

from gateway.ids import AccountId, SessionId
from gateway.limits import SOCKETS_PER_ACCOUNT_MAX
from gateway.signaling.leg import LegState
from gateway.signaling.notice import Notice, SessionEnded
from gateway.signaling.roster_service import Live
from gateway.signaling.socket_ports import CloseCode, Connection
from gateway.terms import Principal, Role, Side

UNTOLD_MAX = 1_000
"""Accounts for whom the last end of a session is kept until they come back."""
_PROVIDER_ALONE = frozenset({Role.PROVIDER})


class Switchboard:
    """Signed-in sockets by id and by account."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._by_account: dict[AccountId, dict[str, Connection]] = {}
        self._untold: OrderedDict[AccountId, SessionEnded] = OrderedDict()

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """Take a socket in; the oldest beyond the limit is closed."""
        theirs = self._by_account.setdefault(connection.principal.account, {})
        for oldest in list(theirs.values())[: max(0, len(theirs) + 1 - SOCKETS_PER_ACCOUNT_MAX)]:
            oldest.close(CloseCode.REPLACED, "too many devices")
        self._connections[connection.id] = connection
        theirs[connection.id] = connection

    def remove(self, connection: Connection) -> None:
        """Forget a socket; harmless when it is forgotten already."""
        self._connections.pop(connection.id, None)
        account = connection.principal.account
        theirs = self._by_account.get(account, {})
        theirs.pop(connection.id, None)
        if not theirs:
            self._by_account.pop(account, None)

    def get(self, connection: str | None) -> Connection | None:
        """The socket of that id."""
        return self._connections.get(connection or "")

    def has(self, account: AccountId) -> bool:
        """Whether the account has any socket."""
        return account in self._by_account

    def of(self, account: AccountId) -> tuple[Connection, ...]:
        """The account's sockets, oldest first."""
        return tuple(self._by_account.get(account, {}).values())

    def everybody(self) -> tuple[Connection, ...]:
        """Every socket."""
        return tuple(self._connections.values())

    def tell_of(self, provider: AccountId, notice: Notice) -> None:
        """To whoever may see providers, and to the provider's own apps; providers do not see each other."""
        _send((one for one in self.everybody() if _may_see(one.principal, provider)), notice)

    def tell_account(self, account: AccountId, notice: Notice) -> None:
        """To every socket of the account that is not bound to one session."""
        _send((one for one in self.of(account) if one.principal.session is None), notice)

    def tell_side(self, live: Live, side: Side, notice: Notice) -> bool:
        """To the side's controlling socket, or to all of the account's before there is one."""
        leg = live.legs[side]
        if leg.state is LegState.UP:
            controlling = self.get(leg.connection)
            return _send((controlling,) if controlling else (), notice)
        if leg.state is LegState.JOINING:
            return _send(self._devices(live, side), notice)
        return False

    def tell_both(self, live: Live, notice: Notice) -> None:
        """To both sides."""
        for side in Side:
            self.tell_side(live, side, notice)

    def tell_others(self, live: Live, side: Side, notice: Notice) -> None:
        """To the side's sockets that do not control the leg."""
        leg = live.legs[side]
        _send((one for one in self._devices(live, side) if not leg.is_held_by(one.id)), notice)

    def tell_end(self, live: Live, notice: SessionEnded) -> None:
        """To every device of both sides; kept for a side that has none now."""
        for side in Side:
            account = live.account(side)
            if not _send(self._devices(live, side), notice):
                self._untold[account] = notice
                self._untold.move_to_end(account)
        while len(self._untold) > UNTOLD_MAX:
            self._untold.popitem(last=False)

    def take_untold(self, principal: Principal) -> SessionEnded | None:
        """The end of a session that the account has not heard of yet."""
        untold = self._untold.get(principal.account)
        if untold is None or not _may_hear(principal, untold.session):
            return None
        return self._untold.pop(principal.account)

    def _devices(self, live: Live, side: Side) -> tuple[Connection, ...]:
        return tuple(one for one in self.of(live.account(side)) if _may_hear(one.principal, live.id))


def _may_see(principal: Principal, provider: AccountId) -> bool:
    return principal.account == provider or principal.roles != _PROVIDER_ALONE


def _may_hear(principal: Principal, session: SessionId) -> bool:
    return principal.session in (None, session)


def _send(connections: Iterable[Connection], notice: Notice) -> bool:
    told = False
    for connection in tuple(connections):
        connection.send(notice)
        told = True
    return told
