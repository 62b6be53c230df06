"""Top-up orders on the database.

Decides that an order and its credit change in one transaction, and that one key
of one account names one order.
Never decides whether a report is believed; `payment.py` does. The state is looked
at again inside the transaction, since webhook and poll may come together.
Keeps: an order that has succeeded stays so.
"""

import sqlite3

from gateway.booking.adapters.ledger_store import credit
from gateway.booking.ledger.command import Command
from gateway.booking.ledger.deposit import top_up_command
from gateway.booking.payment import TopUpOrder, TopUpState
from gateway.errors import Unprocessable, require
from gateway.ids import AccountId
from gateway.store.migration import Migration
from gateway.store.ports import Store

_TABLES = """
CREATE TABLE top_up_order (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    micros INTEGER NOT NULL CHECK (micros > 0),
    currency TEXT NOT NULL,
    method TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
    payment TEXT UNIQUE,
    pay_url TEXT,
    command_id TEXT,
    created_wall_ns INTEGER NOT NULL,
    finished_wall_ns INTEGER,
    UNIQUE (account, idempotency_key),
    CHECK ((payment IS NULL) = (command_id IS NULL))
) STRICT;
CREATE TRIGGER top_up_order_stays BEFORE DELETE ON top_up_order
BEGIN SELECT RAISE(ABORT, 'a top-up is never deleted'); END;
CREATE TRIGGER top_up_order_is_final BEFORE UPDATE ON top_up_order
WHEN OLD.state = 'succeeded' OR NEW.micros <> OLD.micros OR NEW.currency <> OLD.currency
  OR NEW.account <> OLD.account OR (OLD.payment IS NOT NULL AND NEW.payment IS NOT OLD.payment)
BEGIN SELECT RAISE(ABORT, 'what a top-up is about never changes'); END;
"""

MIGRATIONS: tuple[Migration, ...] = (Migration("booking.top_up", 1, _TABLES),)
"""The orders' steps; they come after the ledger's."""


class TopUpStore:
    """Satisfies `Orders` of `wallet_ports.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def create(self, order: TopUpOrder, *, idempotency_key: str, request: Command) -> TopUpOrder:
        """Store the order, or answer the one stored under the same key."""

        def insert(transaction: sqlite3.Connection) -> TopUpOrder:
            row = transaction.execute("SELECT * FROM top_up_order WHERE id = ?", (order.id,)).fetchone()
            if row is None:
                transaction.execute(
                    "INSERT INTO top_up_order (id, account, idempotency_key, fingerprint, micros, currency,"
                    " method, state, created_wall_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        order.id,
                        order.account,
                        idempotency_key,
                        request.fingerprint,
                        order.micros,
                        order.currency,
                        order.method,
                        order.state,
                        order.created_wall_ns,
                    ),
                )
                return order
            if row["fingerprint"] != request.fingerprint:
                raise Unprocessable(
                    "this Idempotency-Key was used with another body", code="idempotency_key_reused"
                )
            return _order(row)

        return await self._database.write(insert)

    async def attach(self, order: str, *, payment: str, pay_url: str) -> TopUpOrder:
        """Note the provider's payment, once; the first stands."""

        def note(transaction: sqlite3.Connection) -> TopUpOrder:
            found = _one(transaction, "id", order)
            require(found is not None, f"top-up {order} was stored before it was paid for")
            assert found is not None
            if found.payment is None:
                command = top_up_command(payment, account=found.account, micros=found.micros)
                transaction.execute(
                    "UPDATE top_up_order SET payment = ?, pay_url = ?, command_id = ? WHERE id = ?",
                    (payment, pay_url, command.id, order),
                )
                found = _one(transaction, "id", order)
                assert found is not None
            return found

        return await self._database.write(note)

    async def by_id(self, order: str) -> TopUpOrder | None:
        """One order."""
        return await self._database.read(lambda connection: _one(connection, "id", order))

    async def by_payment(self, payment: str) -> TopUpOrder | None:
        """The order of a payment."""
        return await self._database.read(lambda connection: _one(connection, "payment", payment))

    async def finish(self, order: TopUpOrder, state: TopUpState, *, now_wall_ns: int) -> bool:
        """Move the order to `state`, and credit it in the same transaction when that is SUCCEEDED."""

        def move(transaction: sqlite3.Connection) -> bool:
            moved = transaction.execute(
                "UPDATE top_up_order SET state = :state, finished_wall_ns = :now"
                " WHERE id = :id AND state <> :state AND state <> 'succeeded'",
                {"state": state, "now": now_wall_ns, "id": order.id},
            )
            if moved.rowcount == 0:
                return False
            if state is TopUpState.SUCCEEDED:
                require(order.payment is not None, "only a payment is credited")
                is_new = credit(
                    transaction,
                    order.account,
                    payment=str(order.payment),
                    micros=order.micros,
                    memo=order.method,
                    now_wall_ns=now_wall_ns,
                )
                require(is_new, f"payment of top-up {order.id} was credited before the order succeeded")
            return True

        return await self._database.write(move)


def _one(connection: sqlite3.Connection, column: str, value: str) -> TopUpOrder | None:
    query = {
        "id": "SELECT * FROM top_up_order WHERE id = ?",
        "payment": "SELECT * FROM top_up_order WHERE payment = ?",
    }[column]
    row = connection.execute(query, (value,)).fetchone()
    return None if row is None else _order(row)


def _order(row: sqlite3.Row) -> TopUpOrder:
    return TopUpOrder(
        id=row["id"],
        account=AccountId(row["account"]),
        micros=row["micros"],
        currency=row["currency"],
        method=row["method"],
        state=TopUpState(row["state"]),
        created_wall_ns=row["created_wall_ns"],
        payment=row["payment"],
        pay_url=row["pay_url"],
    )
