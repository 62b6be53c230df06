"""The usual top-up, hold and settlement, at a desk and without detours.

Decides which commands are usual: a new one that gets all it asks for, on a wallet that is
open and, where it pays, was given nothing but cash. Of these it writes the rows at once.
Never decides another amount than the pure concepts would (`deposit.py`, `hold.py`, …):
whatever is not usual is left to them, and tests compare both ways over random commands.
Keeps: nothing was noted where None is answered.
"""

import hashlib
from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quoted

from gateway.booking.adapters.ledger_desk import Counters, Desk, Drawer
from gateway.booking.adapters.ledger_rows import TRANSFER_COLUMNS, Row
from gateway.booking.ledger.account import Chart, cash_id, pending_earnings_id
from gateway.booking.ledger.command import CommandName
from gateway.booking.ledger.deposit import deposit_id
from gateway.booking.ledger.hold import HoldAnswer, HoldRequest, HoldStatus
from gateway.booking.ledger.settlement import Charge, Split
from gateway.booking.ledger.transfer import TRANSFER_MICROS_MAX, Flow, TransferKind, leg_id, void_id
from gateway.booking.wallet_ports import Settled
from gateway.ids import AccountId, derived
from gateway.money import split_fee

_HOLD, _SETTLE, _TOP_UP = CommandName.HOLD.value, CommandName.SETTLE.value, CommandName.TOP_UP.value
_PENDING, _VOID, _POSTED = TransferKind.PENDING.value, TransferKind.VOID.value, TransferKind.POSTED.value
_SET_ASIDE, _RELEASE = Flow.HOLD.value, Flow.RELEASE.value
_EARNING, _FEE, _TOP_UP_FLOW = Flow.EARNING.value, Flow.FEE.value, Flow.TOP_UP.value
_CONTROL, _PLATFORM_FEE = Chart.HOLDS_CONTROL.value, Chart.PLATFORM_FEE.value
_CLEARING = Chart.PROCESSOR_CLEARING.value
_DEBIT, _MICROS = (TRANSFER_COLUMNS.index(name) for name in ("debit_account", "micros"))


def hold(
    desk: Desk, request: HoldRequest, *, hold_id: str, settle_id: str, now_wall_ns: int
) -> HoldAnswer | None:
    """The hold, placed whole from the wallet's cash; None where it is not a usual one."""
    want, session = request.want_micros, request.session
    purse = desk.purse(request.account)
    if purse is None or desk.is_barred(request.account) or not 0 < want <= TRANSFER_MICROS_MAX:
        return None
    if desk.recorded(hold_id) is not None or desk.recorded(settle_id) is not None:
        return None
    pending, posted, incoming, paid_in = purse.counters
    left = paid_in - posted - pending - want
    if left < 0:
        return None
    control = desk.drawer(_CONTROL)
    owed, away, held, back = control.counters
    # Canonical JSON, as `Command.fingerprint` writes it.
    asked = (
        f'["hold",{{"account":{quoted(request.account)},"session":{quoted(session)},"want_micros":{want}}}]'
    )
    placed = f'{{"placed_micros":{want}}}'
    leg: Row = (
        leg_id(request.hold, 0),
        hold_id,
        _PENDING,
        _SET_ASIDE,
        purse.id,
        _CONTROL,
        want,
        None,
        session,
        request.hold,
        now_wall_ns,
    )
    desk.note(
        (hold_id, _HOLD, _sha256(asked), session, "", placed, now_wall_ns),
        [leg],
        ((purse, (pending + want, posted, incoming, paid_in)), (control, (owed, away, held + want, back))),
    )
    return HoldAnswer(status=HoldStatus.PLACED, placed_micros=want, available_micros=left)


def settle(desk: Desk, charge: Charge, *, settle_id: str, now_wall_ns: int) -> Settled | None:
    """The settlement of a session that was held for from the client's cash only; None for another one."""
    purse, earner = desk.purse(charge.client), _earner(desk, charge.provider)
    legs = desk.leg_rows(charge.session)
    if purse is None or earner is None or desk.recorded(settle_id) is not None:
        return None
    if charge.client == charge.provider or charge.make_good_micros or not legs:
        return None
    if any(leg[_DEBIT] != purse.id for leg in legs):
        return None
    held = sum(leg[_MICROS] for leg in legs)
    micros = min(charge.micros, held)
    pending, posted, incoming, paid_in = purse.counters
    left = paid_in - posted - micros - (pending - held)
    if left < 0 or micros > TRANSFER_MICROS_MAX:
        return None
    fee, earned = split_fee(micros, charge.fee_bp)
    split = Split(
        charge_micros=micros,
        promo_micros=0,
        cash_micros=micros,
        fee_micros=fee,
        earned_micros=earned,
        available_micros=left,
    )
    control, platform = desk.drawer(_CONTROL), desk.drawer(_PLATFORM_FEE)
    settlement = _settlement_row(charge, split, settle_id=settle_id, now_wall_ns=now_wall_ns)
    desk.note(
        settlement,
        [
            *(_void(leg, settle_id, now_wall_ns) for leg in legs),
            *_posting(purse, earner, _EARNING, micros=earned, settlement=settlement),
            *_posting(purse, platform, _FEE, micros=fee, settlement=settlement),
        ],
        (
            (purse, (pending - held, posted + micros, incoming, paid_in)),
            (control, _credited(control, pending=-held)),
            (earner, _credited(earner, posted=earned)),
            (platform, _credited(platform, posted=fee)),
        ),
    )
    return Settled(split=split, is_first=True)


def top_up(
    desk: Desk, account: AccountId, *, command_id: str, micros: int, memo: str, now_wall_ns: int
) -> bool | None:
    """The top-up of an open wallet; None where it was made before, or the wallet is to be opened for it."""
    cash = cash_id(account)
    if not desk.has(cash) or desk.recorded(command_id) is not None or not 0 < micros <= TRANSFER_MICROS_MAX:
        return None
    source, purse = desk.drawer(_CLEARING), desk.drawer(cash)
    pending, posted, incoming, paid_out = source.counters
    asked = f'["top_up",{{"account":{quoted(account)},"micros":{micros}}}]'
    moved: Row = (
        deposit_id(command_id),
        command_id,
        _POSTED,
        _TOP_UP_FLOW,
        _CLEARING,
        cash,
        micros,
        None,
        None,
        None,
        now_wall_ns,
    )
    desk.note(
        (command_id, _TOP_UP, _sha256(asked), None, memo, "{}", now_wall_ns),
        [moved],
        (
            (source, (pending, posted + micros, incoming, paid_out)),
            (purse, _credited(purse, posted=micros)),
        ),
    )
    return True


def _settlement_row(charge: Charge, split: Split, *, settle_id: str, now_wall_ns: int) -> Row:
    asked = (
        f'["settle",{{"charge_micros":{charge.micros},"client":{quoted(charge.client)},'
        f'"provider":{quoted(charge.provider)}}}]'
    )
    answer = (
        f'{{"charge_micros":{split.charge_micros},"promo_micros":0,"cash_micros":{split.cash_micros},'
        f'"fee_micros":{split.fee_micros},"earned_micros":{split.earned_micros},'
        f'"available_micros":{split.available_micros}}}'
    )
    return settle_id, _SETTLE, _sha256(asked), charge.session, "", answer, now_wall_ns


def _void(leg: Row, settle_id: str, at_wall_ns: int) -> Row:
    held, _hold, _kind, _flow, debit, credit, micros, _ends, session, of_hold, _at_wall_ns = leg
    void = void_id(held)
    return void, settle_id, _VOID, _RELEASE, debit, credit, micros, held, session, of_hold, at_wall_ns


def _posting(purse: Drawer, to: Drawer, flow: str, *, micros: int, settlement: Row) -> Iterator[Row]:
    settle_id, _name, _asked, session, _memo, _answer, at_wall_ns = settlement
    if micros > 0:
        posting = derived(flow, session, purse.id)
        yield posting, settle_id, _POSTED, flow, purse.id, to.id, micros, None, session, None, at_wall_ns


def _credited(drawer: Drawer, *, pending: int = 0, posted: int = 0) -> Counters:
    debits_pending, debits_posted, credits_pending, credits_posted = drawer.counters
    return debits_pending, debits_posted, credits_pending + pending, credits_posted + posted


def _earner(desk: Desk, provider: AccountId) -> Drawer | None:
    """Where the provider's part goes; None where it is not open.

    All of a person's accounts are opened together, so the others are open where this one is.
    """
    pending = pending_earnings_id(provider)
    return desk.drawer(pending) if desk.has(pending) else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
