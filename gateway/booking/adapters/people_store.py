"""Accounts and rate plans in SQLite.

Decides the tables `people`, `external_people` and `rate_plans`. A phone is stored
sealed and found by its blind index; no method gives it back but `phone`, which
only the sender of messages needs.
Keeps: one account per phone and per (integrator, external id), by the database's
own constraints; plans are appended, the newest of a kind is the present one.
See docs/security.md, "Personal data".
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.booking.adapters.field_cipher import FieldCipher, Sealed
from gateway.booking.people.account import Account, AccountStatus, Locale, ProfileChange
from gateway.booking.people.catalogue import Listing
from gateway.booking.people.offer import RatePlan
from gateway.errors import require
from gateway.ids import AccountId
from gateway.store.migration import Migration
from gateway.store.ports import Store
from gateway.terms import Role, SessionKind, TariffSnapshot

MIGRATIONS = (
    Migration(
        "booking.people",
        1,
        """
        CREATE TABLE people (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            nickname TEXT NOT NULL CHECK (nickname <> ''),
            brief TEXT NOT NULL,
            roles TEXT NOT NULL CHECK (roles <> ''),
            locale TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('active', 'barred')),
            not_before_s INTEGER NOT NULL DEFAULT 0,
            phone_index BLOB UNIQUE,
            phone_key_id TEXT,
            phone_sealed BLOB,
            CHECK ((phone_index IS NULL) = (phone_sealed IS NULL)),
            CHECK ((phone_index IS NULL) = (phone_key_id IS NULL))
        ) STRICT;
        CREATE TABLE external_people (
            integrator TEXT NOT NULL,
            external_id TEXT NOT NULL,
            account TEXT NOT NULL REFERENCES people (id),
            PRIMARY KEY (integrator, external_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE rate_plans (
            account TEXT NOT NULL REFERENCES people (id),
            kind TEXT NOT NULL CHECK (kind IN ('voice', 'text')),
            revision INTEGER NOT NULL CHECK (revision > 0),
            tariff TEXT NOT NULL,
            fee_bp INTEGER NOT NULL CHECK (fee_bp BETWEEN 0 AND 10000),
            duration_s_max INTEGER NOT NULL CHECK (duration_s_max > 0),
            made_at_wall_ns INTEGER NOT NULL,
            PRIMARY KEY (account, kind, revision)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    Migration(
        "booking.people",
        2,
        """
        CREATE TABLE rate_plans_of_every_kind (
            account TEXT NOT NULL REFERENCES people (id),
            kind TEXT NOT NULL CHECK (kind IN ('voice', 'text', 'video')),
            revision INTEGER NOT NULL CHECK (revision > 0),
            tariff TEXT NOT NULL,
            fee_bp INTEGER NOT NULL CHECK (fee_bp BETWEEN 0 AND 10000),
            duration_s_max INTEGER NOT NULL CHECK (duration_s_max > 0),
            made_at_wall_ns INTEGER NOT NULL,
            PRIMARY KEY (account, kind, revision)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO rate_plans_of_every_kind SELECT * FROM rate_plans;
        DROP TABLE rate_plans;
        ALTER TABLE rate_plans_of_every_kind RENAME TO rate_plans;
        """,
    ),
)

_PHONE = "people.phone"
_INTEGRATORS = "gateway"
"""Stands in the place of the integrator where the account is an integrator itself."""


class SqlitePeople:
    """Satisfies `PeopleStore` of `people_ports.py`."""

    def __init__(self, database: Store, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher

    async def account(self, account: AccountId) -> Account | None:
        """One account."""
        return await self._database.read(lambda connection: _account(connection, account))

    async def phone(self, account: AccountId) -> str | None:
        """The account's number, opened; for sending a message to it and for nothing else."""
        row: sqlite3.Row | None = await self._database.read(
            lambda connection: connection.execute(
                "SELECT phone_key_id, phone_sealed FROM people WHERE id = ? AND phone_sealed IS NOT NULL",
                (account,),
            ).fetchone()
        )
        if row is None:
            return None
        return self._cipher.open(Sealed(row["phone_key_id"], row["phone_sealed"]), field=_PHONE, row=account)

    async def open_by_phone(self, phone: str, fresh: Account) -> Account:
        """The account of a phone; `fresh` is stored when there is none."""
        index = self._cipher.index(_PHONE, phone)
        sealed = self._cipher.seal(phone, field=_PHONE, row=fresh.id)

        def work(connection: sqlite3.Connection) -> Account:
            row = connection.execute("SELECT * FROM people WHERE phone_index = ?", (index,)).fetchone()
            if row is not None:
                return _read_account(row)
            _insert(connection, fresh, index=index, sealed=sealed)
            return fresh

        return await self._database.write(work)

    async def open_by_external_id(self, integrator: AccountId, external_id: str, fresh: Account) -> Account:
        """The integrator's account of that name with the fresh nickname and roles; stored when new."""

        def work(connection: sqlite3.Connection) -> Account:
            found = _external(connection, integrator, external_id)
            if found is None:
                return _insert_external(connection, integrator, external_id, fresh)
            connection.execute(
                "UPDATE people SET nickname = ?, roles = ? WHERE id = ?",
                (fresh.nickname, _written_roles(fresh.roles), found),
            )
            return _stored(connection, found)

        return await self._database.write(work)

    async def open_integrator(self, name: str, fresh: Account) -> Account:
        """The integrator of that name; `fresh` is stored when there is none."""

        def work(connection: sqlite3.Connection) -> Account:
            found = _external(connection, _INTEGRATORS, name)
            if found is None:
                return _insert_external(connection, _INTEGRATORS, name, fresh)
            return _stored(connection, found)

        return await self._database.write(work)

    async def change_profile(self, account: AccountId, change: ProfileChange) -> Account | None:
        """Apply the change; None where there is no such account."""

        def work(connection: sqlite3.Connection) -> Account | None:
            connection.execute(
                "UPDATE people SET nickname = coalesce(?, nickname), brief = coalesce(?, brief), "
                "locale = coalesce(?, locale) WHERE id = ?",
                (change.nickname, change.brief, change.locale, account),
            )
            return _account(connection, account)

        return await self._database.write(work)

    async def set_status(self, account: AccountId, status: AccountStatus) -> bool:
        """Bar or unbar; False where there is no such account."""
        return await self._change("UPDATE people SET status = ? WHERE id = ?", (status, account))

    async def set_not_before(self, account: AccountId, second: int) -> bool:
        """Refuse access tokens issued before `second` (never lowered)."""
        return await self._change(
            "UPDATE people SET not_before_s = max(not_before_s, ?) WHERE id = ?", (second, account)
        )

    async def not_before(self) -> Mapping[AccountId, int]:
        """Every account whose tokens were ever revoked, for start-up."""
        rows: list[sqlite3.Row] = await self._database.read(
            lambda connection: connection.execute(
                "SELECT id, not_before_s FROM people WHERE not_before_s > 0"
            ).fetchall()
        )
        return {AccountId(row["id"]): row["not_before_s"] for row in rows}

    async def add_plan(self, account: AccountId, plan: RatePlan, *, now_wall_ns: int) -> None:
        """Make `plan` the present one of its kind; the same plan again changes nothing."""

        def work(connection: sqlite3.Connection) -> None:
            present = {each.kind: each for each in _plans(connection, account)}.get(plan.kind)
            if present == plan:
                return
            connection.execute(
                "INSERT INTO rate_plans SELECT ?, ?, coalesce(max(revision), 0) + 1, ?, ?, ?, ? "
                "FROM rate_plans WHERE account = ? AND kind = ?",
                (
                    *(account, plan.kind, plan.tariff.canonical, plan.fee_bp, plan.duration_s_max),
                    *(now_wall_ns, account, plan.kind),
                ),
            )

        await self._database.write(work)

    async def listing(self, account: AccountId) -> Listing | None:
        """One provider of the catalogue: active, with at least one plan."""
        found = await self.listings(after=0, limit=1, only=[account])
        return found[0] if found else None

    async def listings(
        self, *, after: int, limit: int, only: Sequence[AccountId] | None
    ) -> Sequence[Listing]:
        """Providers in the order they came, beyond position `after`; `only` narrows to these."""

        def query(connection: sqlite3.Connection) -> list[Listing]:
            rows = connection.execute(
                "SELECT * FROM people WHERE position > ? AND status = 'active' "
                "AND instr(' ' || roles || ' ', ' provider ') > 0 "
                "AND EXISTS (SELECT 1 FROM rate_plans WHERE account = people.id) "
                "AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) ORDER BY position LIMIT ?",
                (after, names, names, limit),
            ).fetchall()
            return [
                Listing(
                    account=_read_account(row), plans=_plans(connection, row["id"]), position=row["position"]
                )
                for row in rows
            ]

        names = None if only is None else json.dumps(only)
        return await self._database.read(query)

    async def _change(self, statement: str, values: tuple[Any, ...]) -> bool:
        changed: int = await self._database.write(
            lambda connection: connection.execute(statement, values).rowcount
        )
        return changed > 0


def _account(connection: sqlite3.Connection, account: str) -> Account | None:
    row = connection.execute("SELECT * FROM people WHERE id = ?", (account,)).fetchone()
    return None if row is None else _read_account(row)


def _stored(connection: sqlite3.Connection, account: str) -> Account:
    found = _account(connection, account)
    require(found is not None, "an external id names an account that exists")
    assert found is not None
    return found


def _external(connection: sqlite3.Connection, integrator: str, external_id: str) -> str | None:
    row = connection.execute(
        "SELECT account FROM external_people WHERE integrator = ? AND external_id = ?",
        (integrator, external_id),
    ).fetchone()
    return None if row is None else str(row["account"])


def _insert_external(
    connection: sqlite3.Connection, integrator: str, external_id: str, fresh: Account
) -> Account:
    _insert(connection, fresh)
    connection.execute("INSERT INTO external_people VALUES (?, ?, ?)", (integrator, external_id, fresh.id))
    return fresh


def _insert(
    connection: sqlite3.Connection,
    account: Account,
    *,
    index: bytes | None = None,
    sealed: Sealed | None = None,
) -> None:
    connection.execute(
        "INSERT INTO people (id, nickname, brief, roles, locale, status, not_before_s, "
        "phone_index, phone_key_id, phone_sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(account.id, account.nickname, account.brief, _written_roles(account.roles)),
            *(account.locale, account.status, account.not_before_s, index),
            *((sealed.key_id, sealed.blob) if sealed is not None else (None, None)),
        ),
    )


def _plans(connection: sqlite3.Connection, account: str) -> list[RatePlan]:
    rows = connection.execute(
        "SELECT kind, tariff, fee_bp, duration_s_max, max(revision) FROM rate_plans "
        "WHERE account = ? GROUP BY kind ORDER BY kind DESC",
        (account,),
    ).fetchall()
    return [
        RatePlan(
            kind=SessionKind(row["kind"]),
            tariff=TariffSnapshot.of(json.loads(row["tariff"])),
            fee_bp=row["fee_bp"],
            duration_s_max=row["duration_s_max"],
        )
        for row in rows
    ]


def _written_roles(roles: frozenset[Role]) -> str:
    return " ".join(sorted(roles))


def _read_account(row: sqlite3.Row) -> Account:
    return Account(
        id=AccountId(row["id"]),
        nickname=row["nickname"],
        roles=frozenset(Role(role) for role in row["roles"].split()),
        brief=row["brief"],
        locale=Locale(row["locale"]),
        status=AccountStatus(row["status"]),
        not_before_s=row["not_before_s"],
    )
