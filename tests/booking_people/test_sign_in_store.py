import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway.booking.adapters.sign_in_store import SqliteCodes, SqliteRefreshTokens
from gateway.booking.people.one_time_code import (
    USUAL_POLICY,
    Challenge,
    CheckStatus,
    SendAnswer,
    SendStatus,
    check,
    digest_of,
)
from gateway.booking.people.refresh import RefreshStatus, RefreshToken
from gateway.clock import NS
from gateway.ids import AccountId
from gateway.store.database import Database
from tests.booking_people.bench import PHONE, cipher, database_at

pytestmark = pytest.mark.adapter

NOW_NS = 1_000_000 * NS
DAY_NS = 86_400 * NS


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(tmp_path) as opened:
        yield opened


def judged(code: str) -> object:
    digest = digest_of(b"key", PHONE, code)
    return lambda found: check(USUAL_POLICY, found, digest=digest, now_wall_ns=NOW_NS)


async def test_of_many_wrong_answers_at_once_five_are_tried(database: Database) -> None:
    codes = SqliteCodes(database, cipher())
    await codes.put(PHONE, Challenge(digest=digest_of(b"key", PHONE, "123456"), sent_at_wall_ns=NOW_NS))

    statuses = await asyncio.gather(*(codes.judge(PHONE, judged("000000")) for _ in range(20)))  # type: ignore[arg-type]
    right = await codes.judge(PHONE, judged("123456"))  # type: ignore[arg-type]

    assert statuses.count(CheckStatus.WRONG) == 5
    assert right is CheckStatus.TRIES_SPENT


async def test_of_many_right_answers_at_once_one_is_accepted(database: Database) -> None:
    codes = SqliteCodes(database, cipher())
    await codes.put(PHONE, Challenge(digest=digest_of(b"key", PHONE, "123456"), sent_at_wall_ns=NOW_NS))

    statuses = await asyncio.gather(*(codes.judge(PHONE, judged("123456")) for _ in range(20)))  # type: ignore[arg-type]

    assert statuses.count(CheckStatus.ACCEPTED) == 1


async def test_only_what_was_sent_is_noted_and_what_is_old_is_forgotten(database: Database) -> None:
    codes = SqliteCodes(database, cipher())
    seen: list[tuple[list[int], list[int]]] = []

    async def ask(status: SendStatus, at_ns: int, *, phone: str = PHONE, address: str = "192.0.2.1") -> None:
        def decide(by_phone: Sequence[int], by_address: Sequence[int]) -> SendAnswer:
            seen.append((sorted(by_phone), sorted(by_address)))
            return SendAnswer(status=status)

        await codes.admit(
            phone=phone, address=address, now_wall_ns=at_ns, since_wall_ns=at_ns - 100, decide=decide
        )

    await ask(SendStatus.SEND, 1_000)
    await ask(SendStatus.TOO_SOON, 1_001)
    await ask(SendStatus.SEND, 1_002, phone="+8610000000002")
    await ask(SendStatus.SEND, 1_003, address="192.0.2.2")
    await ask(SendStatus.SEND, 1_101)

    assert seen == [([], []), ([1_000], [1_000]), ([], [1_000]), ([1_000], []), ([1_003], [1_002])]


async def rotate(tokens: SqliteRefreshTokens, old: bytes, new: bytes, at_ns: int) -> RefreshStatus:
    status, _ = await tokens.rotate(
        old, next_digest=new, next_expires_at_wall_ns=at_ns + 30 * DAY_NS, now_wall_ns=at_ns
    )
    return status


async def started(database: Database, digest: bytes = b"1", account: str = "acc_1") -> SqliteRefreshTokens:
    tokens = SqliteRefreshTokens(database)
    await tokens.put(
        RefreshToken(
            digest=digest,
            family=f"rfm_{account}",
            account=AccountId(account),
            expires_at_wall_ns=NOW_NS + 30 * DAY_NS,
        )
    )
    return tokens


async def test_a_used_token_that_comes_back_revokes_its_family_and_no_other(database: Database) -> None:
    tokens = await started(database)
    await started(database, b"other", "acc_2")
    later_ns = NOW_NS + 60 * NS

    assert await rotate(tokens, b"1", b"2", NOW_NS) is RefreshStatus.ROTATED
    assert await rotate(tokens, b"1", b"x", NOW_NS + 1) is RefreshStatus.RACED
    assert await rotate(tokens, b"2", b"3", NOW_NS + 2) is RefreshStatus.ROTATED
    assert await rotate(tokens, b"1", b"x", later_ns) is RefreshStatus.REUSED
    assert await rotate(tokens, b"3", b"4", later_ns) is RefreshStatus.REVOKED
    assert await rotate(tokens, b"other", b"o2", later_ns) is RefreshStatus.ROTATED


async def test_of_two_tabs_that_refresh_at_once_one_gets_the_next_token(database: Database) -> None:
    tokens = await started(database)

    statuses = await asyncio.gather(*(rotate(tokens, b"1", bytes([9, n]), NOW_NS) for n in range(5)))

    assert sorted(statuses) == [RefreshStatus.RACED] * 4 + [RefreshStatus.ROTATED]


async def test_expired_and_made_up_tokens_rotate_nothing(database: Database) -> None:
    tokens = await started(database)
    late_ns = NOW_NS + 30 * DAY_NS

    assert await rotate(tokens, b"1", b"2", late_ns) is RefreshStatus.EXPIRED
    assert await rotate(tokens, b"nobody's", b"2", late_ns) is RefreshStatus.UNKNOWN
    assert await rotate(tokens, b"1", b"2", late_ns + DAY_NS) is RefreshStatus.UNKNOWN


async def test_revoking_an_account_ends_all_of_its_families(database: Database) -> None:
    tokens = await started(database)

    await tokens.revoke_account(AccountId("acc_1"))

    assert await rotate(tokens, b"1", b"2", NOW_NS) is RefreshStatus.REVOKED
