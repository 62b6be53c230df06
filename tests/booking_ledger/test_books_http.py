"""The routes over money that outlasts a session: who may call, what is answered, what is on record."""

from typing import Any

import pytest
from pydantic import BaseModel

from gateway.booking.adapters import books_http, flows_http
from gateway.errors import Conflict, NotFound
from gateway.http.route import Access, Call, Route
from gateway.ids import AccountId, SessionId
from gateway.terms import Principal, Role
from tests.booking_ledger.conftest import ANN, PIA, UNIT, Till, order
from tests.booking_ledger.vault import WINDOW_S, Vault, open_vault

pytestmark = pytest.mark.adapter

OP = AccountId("acc_op")
WHY = {"reason": "a good reason"}


class Desk:
    """Calls the routes as the server would, once it has checked a call."""

    def __init__(self, vault: Vault) -> None:
        counter = vault.counter
        listed = [*books_http.routes(counter), *flows_http.routes(counter.payouts, counter.disputes)]
        self.routes = {(route.method, route.path): route for route in listed}

    async def ask(
        self,
        method: str,
        path: str,
        who: AccountId = OP,
        /,
        body: dict[str, Any] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """The answer as JSON; the body is read by the route's own model."""
        route = self.routes[method, path]
        model, query = route.body, route.query
        call = Call(
            principal=Principal(account=who, roles=frozenset({Role.OPERATOR}), expires_at_s=2**40),
            path=fields.pop("path", {}),
            body=None if model is None else model.model_validate(body),
            query=None if query is None else query.model_validate(fields.pop("query", {})),
            idempotency_key=fields.pop("key", "k1"),
        )
        answer = await route.handler(call)
        assert answer is None if route.answer is None else isinstance(answer, route.answer)
        return answer.model_dump(mode="json") if isinstance(answer, BaseModel) else {}


def _cny(micros: int) -> dict[str, Any]:
    return {"micros": micros, "currency": "CNY"}


@pytest.fixture
async def vault(till: Till) -> Vault:
    """Ann has paid Pia 10 for a session, 2 of them are the fee."""
    await till.fund(ANN, 100 * UNIT)
    await till.hold("ses_1", 0, 20 * UNIT)
    await till.wallet.settle(order("ses_1"), charge_micros=10 * UNIT, also=lambda _transaction, _split: None)
    till.sessions.open.discard(SessionId("ses_1"))
    return open_vault(till.database, till.wallet, clock=till.clock, facts=till.facts, sessions=till.sessions)


@pytest.fixture
def desk(vault: Vault) -> Desk:
    return Desk(vault)


def _is_for_operators(route: Route) -> bool:
    return route.path.startswith("/v1/admin/")


def test_only_operators_reach_what_is_theirs(desk: Desk) -> None:
    for route in desk.routes.values():
        assert (route.access is Access.OPERATOR) is _is_for_operators(route), route.path
    assert desk.routes["POST", "/v1/provider/payouts"].access is Access.PROVIDER
    assert desk.routes["POST", "/v1/cases"].access is Access.SIGNED_IN


@pytest.mark.parametrize("path", ["/v1/provider/payouts", "/v1/admin/refunds", "/v1/admin/withdrawals"])
def test_what_has_no_name_of_its_own_needs_an_idempotency_key(desk: Desk, path: str) -> None:
    assert desk.routes["POST", path].is_idempotency_key_needed


def test_every_act_of_an_operator_carries_a_reason(desk: Desk) -> None:
    acts = [route for route in desk.routes.values() if _is_for_operators(route) and route.method != "GET"]
    looks = {"/v1/admin/invariants/check"}
    for route in acts:
        if route.path not in looks:
            assert "reason" in getattr(route.body, "model_fields", {}), route.path


async def test_a_refund_says_who_gave_it_and_is_on_record(till: Till, vault: Vault, desk: Desk) -> None:
    body = {"session": "ses_1", "amount": _cny(5 * UNIT), **WHY}
    answer = await desk.ask("POST", "/v1/admin/refunds", body=body)
    assert answer == {
        "session": "ses_1",
        "amount": _cny(5 * UNIT),
        "to_cash": _cny(5 * UNIT),
        "to_promo": _cny(0),
        "lapsed": _cny(0),
        "from_fee": _cny(UNIT),
        "from_provider": _cny(4 * UNIT),
        "written_off": _cny(0),
    }
    assert vault.log.noted == [(OP, "refund", "ses_1")]
    assert till.facts.wallets[-1] == (ANN, 95 * UNIT)


async def test_a_payout_from_wish_to_bank(till: Till, vault: Vault, desk: Desk) -> None:
    till.clock.advance(seconds=WINDOW_S)
    await vault.maturing.look()
    made = await desk.ask("POST", "/v1/provider/payouts", PIA, body={"amount": _cny(5 * UNIT)})
    path = {"payout_id": made["id"]}
    for operator in (OP, AccountId("acc_op2")):
        await desk.ask("POST", "/v1/admin/payouts/{payout_id}/approve", operator, body=WHY, path=path)
    waiting = await desk.ask("GET", "/v1/admin/payouts", query={"state": "approved"})
    assert [item["approvers"] for item in waiting["items"]] == [[OP, "acc_op2"]]
    sent = await desk.ask(
        "POST", "/v1/admin/payouts/{payout_id}/send", body={**WHY, "reference": "B-7"}, path=path
    )
    assert (sent["state"], sent["reference"], sent["net"]) == ("sent", "B-7", _cny(5 * UNIT - 3))
    await desk.ask("POST", "/v1/admin/payouts/{payout_id}/mark", body={**WHY, "state": "paid"}, path=path)
    assert [item["state"] for item in (await desk.ask("GET", "/v1/provider/payouts", PIA))["items"]] == [
        "paid"
    ]


async def test_a_case_from_opening_to_decision(till: Till, vault: Vault, desk: Desk) -> None:
    case = await desk.ask("POST", "/v1/cases", ANN, body={"session": "ses_1", "reason": "no sound"})
    assert (case["state"], case["reserved"]) == ("open", _cny(8 * UNIT))
    assert [item["id"] for item in (await desk.ask("GET", "/v1/admin/cases", query={}))["items"]] == [
        case["id"]
    ]
    body = {"outcome": "client", "amount": _cny(2 * UNIT), **WHY}
    path = {"case_id": case["id"]}
    decided = await desk.ask("POST", "/v1/admin/cases/{case_id}/decide", body=body, path=path)
    assert (decided["state"], decided["refunded"]) == ("to_client", _cny(2 * UNIT))
    rows = await till.database.read(lambda c: [tuple(row) for row in c.execute("SELECT * FROM moved")])
    assert rows == [("ses_1", "disputed"), ("ses_1", "adjusted")]


async def test_a_session_that_may_not_move_keeps_its_money(till: Till, vault: Vault, desk: Desk) -> None:
    vault.states.refuses = True
    with pytest.raises(Conflict):
        await desk.ask("POST", "/v1/cases", ANN, body={"session": "ses_1", "reason": "no sound"})
    assert (await till.wallet.earnings(PIA)).earnings.pending_micros == 8 * UNIT
    assert await vault.cases.by_id("case") is None


async def test_another_persons_session_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.ask("POST", "/v1/cases", AccountId("acc_ben"), body={"session": "ses_1", "reason": "why"})


async def test_bars_are_listed_and_lifted_with_a_reason(till: Till, vault: Vault, desk: Desk) -> None:
    await till.wallet.bar([ANN], why="balances_equal_replay")
    listed = await desk.ask("GET", "/v1/admin/bars")
    assert [(item["account"], item["why"]) for item in listed["items"]] == [(ANN, "balances_equal_replay")]
    path = {"account_id": ANN}
    await desk.ask("DELETE", "/v1/admin/bars/{account_id}", body=WHY, path=path)
    assert (await desk.ask("GET", "/v1/admin/bars"))["items"] == []
    assert vault.log.noted == [(OP, "bar.lift", ANN)]
    with pytest.raises(NotFound):
        await desk.ask("DELETE", "/v1/admin/bars/{account_id}", body=WHY, path=path)


async def test_a_withdrawal_is_marked_as_it_goes(desk: Desk) -> None:
    body = {"account": ANN, "amount": _cny(90 * UNIT), **WHY}
    made = await desk.ask("POST", "/v1/admin/withdrawals", body=body)
    path = {"withdrawal_id": made["id"]}
    mark = "/v1/admin/withdrawals/{withdrawal_id}/mark"
    sent = await desk.ask("POST", mark, body={**WHY, "state": "sent"}, path=path)
    assert (made["state"], sent["state"]) == ("due", "sent")


async def test_statement_and_trial_balance(desk: Desk) -> None:
    query = {"party": "provider", "account": PIA, "from_s": 0, "until_s": 2**32}
    made = await desk.ask("GET", "/v1/admin/statements", query=query)
    assert (made["closing"], made["is_exact"], len(made["lines"])) == (_cny(8 * UNIT), True, 1)
    table = await desk.ask("GET", "/v1/admin/statements", query={**query, "format": "csv"})
    assert table["csv"].startswith("at_wall_ns,command,flow")
    assert table["lines"] == []
    assert (await desk.ask("GET", "/v1/admin/trial-balance"))["is_zero"]


async def test_everything_is_looked_at_on_demand(vault: Vault, desk: Desk) -> None:
    answer = await desk.ask("POST", "/v1/admin/invariants/check")
    assert [item["name"] for item in answer["items"] if not item["ok"]] == ["settled_amount_is_the_price"]


async def test_a_line_of_a_processor_is_booked_once(desk: Desk) -> None:
    body = {"processor": "sandbox", "line": "l1", "amount": _cny(99 * UNIT), "fee": _cny(UNIT), **WHY}
    answers = [await desk.ask("POST", "/v1/admin/processor-lines", body=body) for _ in range(2)]
    assert [answer["is_new"] for answer in answers] == [True, False]
