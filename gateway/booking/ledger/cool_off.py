"""Cool-off: an earning becomes payable when its dispute window has closed.

Decides when that is and which transfer does it: everything of the session that is
still pending. Contested money is not pending; it lies in the dispute reserve.
Never touches other sessions' earnings. Keeps: once per session, by its derived id.
See docs/metering.md, "Ledger".
"""

from gateway.booking.ledger.account import available_earnings_of, pending_earnings_of
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.position import Position
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.ids import SessionId, TransferId, derived


def command(session: SessionId) -> Command:
    """The one time that a session's earning becomes payable."""
    return Command(id=derived("cool_off", session), name=CommandName.COOL_OFF, body={"session": session})


def is_over(settled_wall_ns: int, *, window_ns: int, now_wall_ns: int) -> bool:
    """Whether the dispute window has closed."""
    return now_wall_ns >= settled_wall_ns + window_ns


def plan(position: Position, *, window_ns: int, now_wall_ns: int) -> Transfer | None:
    """The transfer; None where the window is open or nothing is pending."""
    is_due = is_over(position.settled_wall_ns, window_ns=window_ns, now_wall_ns=now_wall_ns)
    if position.provider is None or position.pending_micros == 0 or not is_due:
        return None
    return Transfer(
        id=TransferId(derived(Flow.COOL_OFF, position.session)),
        kind=TransferKind.POSTED,
        flow=Flow.COOL_OFF,
        debit=pending_earnings_of(position.provider).id,
        credit=available_earnings_of(position.provider).id,
        micros=position.pending_micros,
        session=position.session,
    )
