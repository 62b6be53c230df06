"""One-time codes, refresh tokens and API keys in SQLite.

Decides the tables; every judgement is a pure function handed in, run inside the
same transaction that keeps its outcome, so two answers at one moment cannot both
be the fifth try, and one refresh token cannot be used twice.
Keeps: no code, token, key, phone or address in clear; digests and blind indexes.
Rows that no judgement can need any more are deleted as new ones come.
"""

import sqlite3
from collections.abc import Callable, Sequence

from gateway.booking.adapters.field_cipher import FieldCipher
from gateway.booking.people.one_time_code import Challenge, CheckStatus, SendAnswer, SendStatus
from gateway.booking.people.refresh import RefreshStatus, RefreshToken, judge
from gateway.clock import NS
from gateway.ids import AccountId
from gateway.store.migration import Migration
from gateway.store.ports import Store

MIGRATIONS = (
    Migration(
        "booking.sign_in",
        1,
        """
        CREATE TABLE code_requests (
            phone_index BLOB NOT NULL,
            address_index BLOB NOT NULL,
            at_wall_ns INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX code_requests_by_phone ON code_requests (phone_index, at_wall_ns);
        CREATE INDEX code_requests_by_address ON code_requests (address_index, at_wall_ns);
        CREATE INDEX code_requests_by_time ON code_requests (at_wall_ns);
        CREATE TABLE one_time_codes (
            phone_index BLOB PRIMARY KEY,
            digest BLOB NOT NULL,
            sent_at_wall_ns INTEGER NOT NULL,
            tries INTEGER NOT NULL,
            is_used INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE refresh_tokens (
            digest BLOB PRIMARY KEY,
            family TEXT NOT NULL,
            account TEXT NOT NULL,
            expires_at_wall_ns INTEGER NOT NULL,
            used_at_wall_ns INTEGER,
            is_revoked INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);
        CREATE INDEX refresh_tokens_by_account ON refresh_tokens (account);
        CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at_wall_ns);
        CREATE TABLE api_keys (
            digest BLOB PRIMARY KEY,
            integrator TEXT NOT NULL REFERENCES people (id),
            label TEXT NOT NULL,
            made_at_wall_ns INTEGER NOT NULL,
            is_revoked INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)

EXPIRED_KEPT_NS = 24 * 3_600 * NS
"""How long an expired refresh token is remembered, to be told apart from a made-up one."""
_PHONE = "code.phone"
_ADDRESS = "code.address"


class SqliteCodes:
    """Satisfies `CodeStore` of `people_ports.py`."""

    def __init__(self, database: Store, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher

    async def admit(
        self,
        *,
        phone: str,
        address: str,
        now_wall_ns: int,
        since_wall_ns: int,
        decide: Callable[[Sequence[int], Sequence[int]], SendAnswer],
    ) -> SendAnswer:
        """Ask `decide` with the instants of the phone and of the address since then; note a SEND."""
        phone_index = self._cipher.index(_PHONE, phone)
        address_index = self._cipher.index(_ADDRESS, address)

        def work(connection: sqlite3.Connection) -> SendAnswer:
            connection.execute("DELETE FROM code_requests WHERE at_wall_ns <= ?", (since_wall_ns,))
            answer = decide(
                _instants(connection, "phone_index", phone_index),
                _instants(connection, "address_index", address_index),
            )
            if answer.status is SendStatus.SEND:
                values = (phone_index, address_index, now_wall_ns)
                connection.execute("INSERT INTO code_requests VALUES (?, ?, ?)", values)
            return answer

        return await self._database.write(work)

    async def put(self, phone: str, challenge: Challenge) -> None:
        """Make this the phone's only outstanding code."""
        index = self._cipher.index(_PHONE, phone)
        await self._database.write(lambda connection: _keep(connection, index, challenge))

    async def judge(
        self, phone: str, decide: Callable[[Challenge | None], tuple[CheckStatus, Challenge | None]]
    ) -> CheckStatus:
        """Ask `decide` about the outstanding code and keep what it says, as one step."""
        index = self._cipher.index(_PHONE, phone)

        def work(connection: sqlite3.Connection) -> CheckStatus:
            row = connection.execute(
                "SELECT * FROM one_time_codes WHERE phone_index = ?", (index,)
            ).fetchone()
            found = None if row is None else _read_challenge(row)
            status, kept = decide(found)
            if kept is not None and kept != found:
                _keep(connection, index, kept)
            return status

        return await self._database.write(work)


class SqliteRefreshTokens:
    """Satisfies `RefreshStore` of `people_ports.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def put(self, token: RefreshToken) -> None:
        """Store the first token of a family."""
        await self._database.write(lambda connection: _insert_token(connection, token))

    async def rotate(
        self, digest: bytes, *, next_digest: bytes, next_expires_at_wall_ns: int, now_wall_ns: int
    ) -> tuple[RefreshStatus, AccountId | None]:
        """Judge the token and, as one step, use it and store the next, or revoke its family."""

        def work(connection: sqlite3.Connection) -> tuple[RefreshStatus, AccountId | None]:
            forgotten = (now_wall_ns - EXPIRED_KEPT_NS,)
            connection.execute("DELETE FROM refresh_tokens WHERE expires_at_wall_ns <= ?", forgotten)
            row = connection.execute("SELECT * FROM refresh_tokens WHERE digest = ?", (digest,)).fetchone()
            found = None if row is None else _read_token(row)
            status = judge(found, now_wall_ns)
            if found is not None and status is RefreshStatus.REUSED:
                connection.execute(
                    "UPDATE refresh_tokens SET is_revoked = 1 WHERE family = ?", (found.family,)
                )
            if found is not None and status is RefreshStatus.ROTATED:
                connection.execute(
                    "UPDATE refresh_tokens SET used_at_wall_ns = ? WHERE digest = ?", (now_wall_ns, digest)
                )
                following = RefreshToken(
                    digest=next_digest,
                    family=found.family,
                    account=found.account,
                    expires_at_wall_ns=next_expires_at_wall_ns,
                )
                _insert_token(connection, following)
            return status, found.account if found is not None else None

        return await self._database.write(work)

    async def revoke_account(self, account: AccountId) -> None:
        """Revoke every family of the account."""
        await self._database.write(
            lambda connection: (
                connection.execute(
                    "UPDATE refresh_tokens SET is_revoked = 1 WHERE account = ?", (account,)
                ).rowcount
            )
        )


class SqliteApiKeys:
    """Satisfies `ApiKeyStore` of `people_ports.py`."""

    def __init__(self, database: Store) -> None:
        self._database = database

    async def put(self, digest: bytes, integrator: AccountId, *, label: str, now_wall_ns: int) -> None:
        """Store a key's digest; the same digest again changes nothing."""
        values = (digest, integrator, label, now_wall_ns)
        await self._database.write(
            lambda connection: (
                connection.execute(
                    "INSERT INTO api_keys (digest, integrator, label, made_at_wall_ns) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (digest) DO NOTHING",
                    values,
                ).rowcount
            )
        )

    async def integrator(self, digest: bytes) -> AccountId | None:
        """Whose key it is; None for an unknown or a revoked one."""
        row: sqlite3.Row | None = await self._database.read(
            lambda connection: connection.execute(
                "SELECT integrator FROM api_keys WHERE digest = ? AND is_revoked = 0", (digest,)
            ).fetchone()
        )
        return None if row is None else AccountId(row["integrator"])

    async def revoke(self, digest: bytes) -> bool:
        """Refuse the key from now on; False where there is none."""
        changed: int = await self._database.write(
            lambda connection: (
                connection.execute("UPDATE api_keys SET is_revoked = 1 WHERE digest = ?", (digest,)).rowcount
            )
        )
        return changed > 0


def _instants(connection: sqlite3.Connection, column: str, index: bytes) -> list[int]:
    # `column` is one of the two literals above; SQLite takes no name as a parameter.
    statement = f"SELECT at_wall_ns FROM code_requests WHERE {column} = ?"  # noqa: S608
    return [row["at_wall_ns"] for row in connection.execute(statement, (index,))]


def _keep(connection: sqlite3.Connection, index: bytes, challenge: Challenge) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO one_time_codes VALUES (?, ?, ?, ?, ?)",
        (index, challenge.digest, challenge.sent_at_wall_ns, challenge.tries, int(challenge.is_used)),
    )


def _read_challenge(row: sqlite3.Row) -> Challenge:
    return Challenge(
        digest=row["digest"],
        sent_at_wall_ns=row["sent_at_wall_ns"],
        tries=row["tries"],
        is_used=bool(row["is_used"]),
    )


def _insert_token(connection: sqlite3.Connection, token: RefreshToken) -> None:
    connection.execute(
        "INSERT INTO refresh_tokens (digest, family, account, expires_at_wall_ns) VALUES (?, ?, ?, ?)",
        (token.digest, token.family, token.account, token.expires_at_wall_ns),
    )


def _read_token(row: sqlite3.Row) -> RefreshToken:
    return RefreshToken(
        digest=row["digest"],
        family=row["family"],
        account=AccountId(row["account"]),
        expires_at_wall_ns=row["expires_at_wall_ns"],
        used_at_wall_ns=row["used_at_wall_ns"],
        is_revoked=bool(row["is_revoked"]),
    )
