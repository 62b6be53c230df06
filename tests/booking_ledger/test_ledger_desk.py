"""The desk beside the book: the same commands, together and one by one, leave the same rows and answers."""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from gateway.booking.adapters import ledger_plain, ledger_schema
from gateway.booking.adapters.ledger_desk import Desk, Needs
from gateway.booking.adapters.ledger_store import LedgerStore
from gateway.booking.adapters.ledger_work import Grant, LedgerWork, PlaceHold, Settle, TopUp
from gateway.booking.ledger.account import Chart, cash_of, platform
from gateway.booking.ledger.command import Command, CommandName
from gateway.booking.ledger.hold import HoldRequest
from gateway.booking.ledger.settlement import Charge
from gateway.booking.ledger.transfer import Flow, Transfer, TransferKind
from gateway.errors import InvariantBroken
from gateway.ids import AccountId, HoldId, SessionId, TransferId
from gateway.store.migration import Migration
from gateway.store.ports import Refused
from gateway.store.schema import migrate
from gateway.work import nothing
from tests.booking_ledger.conftest import ANN, BEN, MIGRATIONS, PIA, UNIT
from tests.booking_ledger.test_ledger_property import now

pytestmark = pytest.mark.adapter


class Drawer:
    """A store that runs works one by one, or as one group the way the writer does."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA foreign_keys = ON")
        migrate(self.connection, MIGRATIONS)
        now(LedgerStore.open(self, currency="CNY"))

    async def write(self, work: Any) -> Any:
        return work(self.connection)

    async def read(self, query: Any) -> Any:
        return query(self.connection)

    def stats(self) -> dict[str, int]:
        return {}

    async def close(self) -> None:
        self.connection.close()

    def alone(self, work: LedgerWork[Any]) -> Any:
        self.connection.execute("SAVEPOINT command")
        try:
            answer = work(self.connection)
        except Exception as error:
            self.connection.execute("ROLLBACK TO command")
            answer = _said(error)
        self.connection.execute("RELEASE command")
        return answer

    def together(self, works: Sequence[LedgerWork[Any]]) -> list[Any]:
        self.connection.execute("SAVEPOINT neighbours")
        outcomes = works[0].together(self.connection, works)
        self.connection.execute("RELEASE neighbours")
        return [_said(outcome.error) if isinstance(outcome, Refused) else outcome for outcome in outcomes]

    def rows(self) -> list[str]:
        return [line for line in self.connection.iterdump() if "INSERT INTO" in line]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    opened = Drawer()
    yield opened
    opened.connection.close()


def _top_up(payment: str, micros: int, account: AccountId = ANN) -> TopUp:
    return TopUp(account=account, payment=payment, micros=micros, memo="test", now_wall_ns=1)


def _hold(hold: str, session: str, want: int, *, least: int = 1, account: AccountId = ANN) -> PlaceHold:
    request = HoldRequest(
        hold=HoldId(hold),
        session=SessionId(session),
        account=account,
        want_micros=want,
        least_micros=min(least, want),
    )
    return PlaceHold(request=request, now_wall_ns=2, also=nothing)


def _settle(session: str, micros: int, *, client: AccountId = ANN, provider: AccountId = PIA) -> Settle:
    charge = Charge(session=SessionId(session), client=client, provider=provider, fee_bp=1_500, micros=micros)
    return Settle(charge=charge, now_wall_ns=3, also=lambda _transaction, _split: None)


def _any(draw: random.Random, *, gifts: bool = True) -> LedgerWork[Any]:
    """A command that may repeat, contradict, overdraw or follow an earlier one."""
    who = draw.choice([ANN, BEN])
    session, number = f"ses_{who}_{draw.randrange(4)}", draw.randrange(6)
    kind = draw.randrange(8)
    match kind if gifts or kind != 2 else 0:
        case 0 | 1:
            return _top_up(f"pay_{who}_{number}", draw.choice([UNIT, 2 * UNIT]), who)
        case 2:
            expires = draw.choice([None, 2, 10])
            return Grant(
                account=who, campaign=f"gift {number}", micros=UNIT, expires_wall_ns=expires, now_wall_ns=1
            )
        case 3 | 4 | 5:
            want = draw.choice([0, UNIT, UNIT // 3, 5 * UNIT])
            return _hold(f"{session}:{number}", session, want, least=draw.choice([1, want]), account=who)
        case _:
            provider = draw.choice([PIA, BEN, who])
            return _settle(session, draw.randrange(3 * UNIT), client=who, provider=provider)


@pytest.mark.parametrize("seed", range(40))
def test_together_and_alone_leave_the_same_rows_and_answers(seed: int) -> None:
    draw = random.Random(seed)
    one_by_one, in_groups = Drawer(), Drawer()
    for _ in range(12):
        works = [_any(draw) for _ in range(draw.randrange(1, 12))]
        assert in_groups.together(works) == [one_by_one.alone(work) for work in works]
        assert in_groups.rows() == one_by_one.rows()
    one_by_one.connection.close()
    in_groups.connection.close()


@pytest.mark.parametrize("seed", range(40))
def test_the_usual_way_and_the_pure_concepts_leave_the_same_rows_and_answers(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = {"top_up": 0, "hold": 0, "settle": 0}
    for name in usual:
        monkeypatch.setattr(ledger_plain, name, _counted(name, usual))
    draw = random.Random(seed)
    one_by_one, in_groups = Drawer(), Drawer()
    first = [_top_up("first", 9 * UNIT), _top_up("hers", UNIT, PIA), _hold("first", "ses_first", UNIT)]
    random_groups = [[_any(draw, gifts=False) for _ in range(draw.randrange(1, 12))] for _ in range(12)]
    for works in (first, [_settle("ses_first", UNIT // 7)], *random_groups):
        assert in_groups.together(works) == [one_by_one.alone(work) for work in works]
        assert in_groups.rows() == one_by_one.rows()
    assert all(usual.values()), "the usual way was not taken"
    one_by_one.connection.close()
    in_groups.connection.close()


def _counted(name: str, usual: dict[str, int]) -> Callable[..., Any]:
    """That way of `ledger_plain`, counting what it answered itself."""
    way = getattr(ledger_plain, name)

    def counting(*given: Any, **named: Any) -> Any:
        answer = way(*given, **named)
        usual[name] += answer is not None
        return answer

    return counting


def test_names_that_need_escaping_have_the_same_fingerprint_either_way(drawer: Drawer) -> None:
    odd = AccountId('acc_"\\\n\u00e9\u4e2d\U0001f600')
    works = [_top_up("p", 3 * UNIT, odd), _hold("h", 'ses_"\u4e2d', UNIT, account=odd)]
    settlement = _settle('ses_"\u4e2d', UNIT // 3, client=odd, provider=AccountId("acc_\u00fc"))
    other = Drawer()
    for group in ([*works, _top_up("q", UNIT, AccountId("acc_\u00fc"))], [settlement]):
        assert drawer.together(group) == [other.alone(work) for work in group]
    assert drawer.rows() == other.rows()
    other.connection.close()


def test_a_hold_and_the_settlement_of_its_session_may_share_a_group(drawer: Drawer) -> None:
    answers = drawer.together([_top_up("p", UNIT), _hold("h", "ses_1", UNIT), _settle("ses_1", UNIT // 2)])
    assert answers[2].split.charge_micros == UNIT // 2
    assert answers[2].split.available_micros == UNIT - UNIT // 2


def test_a_group_cannot_set_aside_more_than_there_is(drawer: Drawer) -> None:
    drawer.together([_top_up("p", 10 * UNIT)])
    answers = drawer.together([_hold(f"h{n}", f"ses_{n}", UNIT, least=UNIT) for n in range(50)])
    assert sorted(answer.placed_micros for answer in answers) == [0] * 40 + [UNIT] * 10


def test_a_companion_that_refuses_is_raised_to_the_group(drawer: Drawer) -> None:
    def refuse(_transaction: Any, _placed: int) -> None:
        raise LookupError("no")

    drawer.together([_top_up("p", 10 * UNIT)])
    refusing = PlaceHold(request=_hold("h1", "ses_1", UNIT).request, now_wall_ns=2, also=refuse)
    with pytest.raises(LookupError):
        drawer.together([_hold("h0", "ses_0", UNIT), refusing])


def test_the_desk_refuses_what_an_account_does_not_have(drawer: Drawer) -> None:
    drawer.together([_top_up("p", UNIT)])
    desk = Desk(drawer.connection, [Needs(payer=ANN)])
    transfer = Transfer(
        id=TransferId("t"),
        kind=TransferKind.PENDING,
        flow=Flow.HOLD,
        debit=cash_of(ANN).id,
        credit=platform(Chart.HOLDS_CONTROL).id,
        micros=UNIT + 1,
    )
    before = desk.writes
    with pytest.raises(InvariantBroken, match="does not cover"):
        desk.record(Command(id="c", name=CommandName.HOLD, body={}), [transfer], answer={}, at_wall_ns=0)
    assert desk.writes == before


def test_the_desk_refuses_an_account_that_changed_after_it_was_read(drawer: Drawer) -> None:
    drawer.together([_top_up("p", UNIT)])
    desk = Desk(drawer.connection, [_top_up("q", UNIT).needs()])
    _top_up("q", UNIT).decide(desk)
    drawer.alone(_top_up("r", UNIT))
    with pytest.raises(InvariantBroken, match="changed between"):
        desk.flush()


_FLOWS_FIRST = next(n for n, step in enumerate(MIGRATIONS) if step.package == "booking.flows")


@pytest.mark.parametrize(
    "steps",
    [
        ledger_schema.MIGRATIONS[:1],
        ledger_schema.MIGRATIONS,
        MIGRATIONS[: _FLOWS_FIRST + 1],
        MIGRATIONS[: _FLOWS_FIRST + 2],
    ],
    ids=[
        "the first tables",
        "the leaner tables",
        "before they were appended to",
        "before one trigger watched",
    ],
)
def test_a_file_of_an_earlier_step_keeps_every_row_guard_and_index(steps: Sequence[Migration]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, steps)
    for account in (
        cash_of(ANN),
        *map(platform, (Chart.PROCESSOR_CLEARING, Chart.HOLDS_CONTROL, Chart.PLATFORM_FEE)),
    ):
        connection.execute(
            "INSERT INTO ledger_account (id, chart, owner, guarded) VALUES (?, ?, ?, ?)",
            (account.id, account.chart, account.owner, int(account.is_guarded)),
        )
    for work in (_top_up("p", UNIT), _hold("h", "ses_1", UNIT), _settle("ses_1", UNIT // 2)):
        work(connection)
    before = _contents(connection)
    migrate(connection, MIGRATIONS)
    assert _contents(connection) == before
    fresh = Drawer()
    assert _schema(connection) == _schema(fresh.connection)
    fresh.connection.close()
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    with pytest.raises(sqlite3.IntegrityError, match="never edited"):
        connection.execute("UPDATE ledger_transfer SET micros = 1")
    connection.close()


def _contents(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("ledger_account", "ledger_command", "ledger_transfer")
    return {
        table: sorted(map(tuple, connection.execute(f"SELECT * FROM {table}")), key=str) for table in tables
    }


def _schema(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Every table, index and trigger that stands on the ledger, as the database spells it."""
    named = "SELECT name, sql FROM sqlite_schema WHERE tbl_name LIKE 'ledger_%' ORDER BY name"
    return [tuple(row) for row in connection.execute(named)]


def test_steps_that_have_shipped_keep_their_guards_by_name() -> None:
    drawer = Drawer()
    first = sqlite3.connect(":memory:", isolation_level=None)
    migrate(first, ledger_schema.MIGRATIONS[:1])
    triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    kept = {ledger_schema.MERGED.get(name, name) for (name,) in first.execute(triggers)}
    assert kept <= {name for (name,) in drawer.connection.execute(triggers)}
    first.close()
    drawer.connection.close()
