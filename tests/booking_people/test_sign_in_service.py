from pathlib import Path

import pytest

from gateway.booking.people.account import Locale
from gateway.booking.people.one_time_code import DEMO_POLICY
from gateway.booking.people.seed import DEMO_PEOPLE
from gateway.errors import Conflict, GatewayError, TooMany, Unauthenticated, Unavailable, Unprocessable
from gateway.terms import Role
from tests.booking_people.bench import PHONE, Bench, benched, content_of

pytestmark = pytest.mark.service

HOME = "192.0.2.1"


async def code_of(refused: object, error: type[GatewayError]) -> str:
    with pytest.raises(error) as refusal:
        await refused  # type: ignore[misc]
    return refusal.value.wire_code


async def test_the_first_sign_in_of_a_phone_makes_a_client_with_a_wallet(bench: Bench) -> None:
    account, token, _ = await bench.signed_in("+14155552671")

    assert account.roles == {Role.CLIENT}
    assert account.nickname.startswith("Guest ")
    assert account.nickname[6:] not in "+14155552671"
    assert bench.wallets.opened == [account.id]
    assert bench.tokens.verify(token).account == account.id


async def test_the_same_phone_however_written_signs_in_to_the_same_account(bench: Bench) -> None:
    first, _, _ = await bench.signed_in()
    bench.clock.advance(seconds=60)
    second, _, _ = await bench.signed_in("0086 100-0000-0001")

    assert first.id == second.id


async def test_a_seeded_operator_signs_in_by_the_same_code_and_has_no_wallet(bench: Bench) -> None:
    await bench.people.seed(DEMO_PEOPLE[-1:], currency="CNY")

    account, token, _ = await bench.signed_in(DEMO_PEOPLE[-1].phone)

    assert bench.tokens.verify(token).roles == {Role.OPERATOR}
    assert account.id not in bench.wallets.opened


async def test_a_code_is_sent_and_not_told(bench: Bench) -> None:
    sent = await bench.sign_in.send_code("+14155550100", address=HOME)

    assert (sent.expires_in_s, sent.demo_code) == (300, None)
    assert bench.outbox.sent == [("+14155550100", "000001", Locale.ENGLISH)]


async def test_a_demonstration_tells_the_code_and_sends_nothing(tmp_path: Path) -> None:
    async with benched(tmp_path, policy=DEMO_POLICY, is_demo=True) as bench:
        for _ in range(3):
            sent = await bench.sign_in.send_code(PHONE, address=HOME)
            assert sent.demo_code is not None
            await bench.sign_in.verify(PHONE, sent.demo_code)

        assert bench.outbox.sent == []


async def test_a_code_is_good_once(bench: Bench) -> None:
    await bench.signed_in()

    assert await code_of(bench.sign_in.verify(PHONE, bench.outbox.code), Unauthenticated) == "code_expired"


async def test_a_code_is_good_for_its_own_phone_only(bench: Bench) -> None:
    await bench.sign_in.send_code(PHONE, address=HOME)
    await bench.sign_in.send_code("+8610000000002", address=HOME)
    first, second = (code for _, code, _ in bench.outbox.sent)

    assert await code_of(bench.sign_in.verify(PHONE, second), Unauthenticated) == "code_wrong"
    assert (await bench.sign_in.verify(PHONE, first)).account


async def test_a_code_dies_after_five_minutes(bench: Bench) -> None:
    await bench.sign_in.send_code(PHONE, address=HOME)
    bench.clock.advance(seconds=300)

    assert await code_of(bench.sign_in.verify(PHONE, bench.outbox.code), Unauthenticated) == "code_expired"


async def test_the_sixth_answer_is_refused_even_if_it_is_right(bench: Bench) -> None:
    await bench.sign_in.send_code(PHONE, address=HOME)

    for _ in range(5):
        assert await code_of(bench.sign_in.verify(PHONE, "999999"), Unauthenticated) == "code_wrong"

    assert await code_of(bench.sign_in.verify(PHONE, bench.outbox.code), Unauthenticated) == "code_expired"


async def test_a_newer_code_replaces_the_older(bench: Bench) -> None:
    await bench.sign_in.send_code(PHONE, address=HOME)
    older = bench.outbox.code
    bench.clock.advance(seconds=30)
    await bench.sign_in.send_code(PHONE, address=HOME)

    assert await code_of(bench.sign_in.verify(PHONE, older), Unauthenticated) == "code_wrong"
    assert (await bench.sign_in.verify(PHONE, bench.outbox.code)).account


async def test_codes_are_bounded_per_phone(bench: Bench) -> None:
    await bench.sign_in.send_code(PHONE, address=HOME)
    with pytest.raises(TooMany) as too_soon:
        await bench.sign_in.send_code(PHONE, address="192.0.2.2")
    for _ in range(5):
        bench.clock.advance(seconds=30)
        await bench.sign_in.send_code(PHONE, address=HOME)
    bench.clock.advance(seconds=30)
    with pytest.raises(TooMany) as too_many:
        await bench.sign_in.send_code(PHONE, address="192.0.2.2")

    assert (too_soon.value.wire_code, too_soon.value.extensions["retry_after_s"]) == ("code_too_soon", 30)
    assert (too_many.value.wire_code, too_many.value.extensions["retry_after_s"]) == ("code_limit", 3_420)
    assert len(bench.outbox.sent) == 6


async def test_codes_are_bounded_per_address(bench: Bench) -> None:
    for number in range(30):
        await bench.sign_in.send_code(f"+86100000001{number:02d}", address=HOME)

    assert await code_of(bench.sign_in.send_code(PHONE, address=HOME), TooMany) == "code_limit"
    await bench.sign_in.send_code(PHONE, address="192.0.2.2")


async def test_what_is_no_number_gets_no_code(bench: Bench) -> None:
    assert await code_of(bench.sign_in.send_code("12", address=HOME), Unprocessable) == "phone_invalid"
    assert await code_of(bench.sign_in.verify("12", "123456"), Unprocessable) == "phone_invalid"


async def test_a_code_that_could_not_be_sent_says_so_and_still_counts(bench: Bench) -> None:
    bench.outbox.is_down = True

    assert await code_of(bench.sign_in.send_code(PHONE, address=HOME), Unavailable) == "unavailable"
    assert await code_of(bench.sign_in.send_code(PHONE, address=HOME), TooMany) == "code_too_soon"


# Refreshing


async def test_a_refresh_token_is_exchanged_for_the_next_pair(bench: Bench) -> None:
    account, _, first = await bench.signed_in()
    bench.clock.advance(seconds=1_000)

    second = await bench.sign_in.refresh(first)
    third = await bench.sign_in.refresh(second.refresh_token)

    assert bench.tokens.verify(third.access.text).account == account.id
    assert len({first, second.refresh_token, third.refresh_token}) == 3


async def test_a_stolen_refresh_token_ends_the_family_when_both_have_used_it(bench: Bench) -> None:
    _, _, stolen = await bench.signed_in()
    thief = await bench.sign_in.refresh(stolen)
    bench.clock.advance(seconds=11)

    assert await code_of(bench.sign_in.refresh(stolen), Unauthenticated) == "refresh_refused"
    assert await code_of(bench.sign_in.refresh(thief.refresh_token), Unauthenticated) == "refresh_refused"


async def test_two_tabs_that_refresh_at_once_do_not_sign_each_other_out(bench: Bench) -> None:
    _, _, shared = await bench.signed_in()
    first_tab = await bench.sign_in.refresh(shared)

    assert await code_of(bench.sign_in.refresh(shared), Conflict) == "refresh_raced"
    assert (await bench.sign_in.refresh(first_tab.refresh_token)).account


async def test_a_refresh_token_dies_after_thirty_unused_days(bench: Bench) -> None:
    _, _, token = await bench.signed_in()
    bench.clock.advance(seconds=30 * 86_400)

    assert await code_of(bench.sign_in.refresh(token), Unauthenticated) == "refresh_refused"
    assert await code_of(bench.sign_in.refresh("made up"), Unauthenticated) == "refresh_refused"


async def test_signing_out_everywhere_ends_every_token_and_a_new_sign_in_works(bench: Bench) -> None:
    account, access, refresh = await bench.signed_in()

    await bench.sign_in.sign_out_everywhere(account.id)

    with pytest.raises(Unauthenticated):
        bench.tokens.verify(access)
    assert await code_of(bench.sign_in.refresh(refresh), Unauthenticated) == "refresh_refused"
    bench.clock.advance(seconds=30)
    again, new_access, _ = await bench.signed_in()
    assert bench.tokens.verify(new_access).account == again.id == account.id


async def test_no_code_or_token_is_in_the_file_in_clear(tmp_path: Path) -> None:
    async with benched(tmp_path) as bench:
        _, access, refresh = await bench.signed_in()
        key = await bench.integrators.make_key("shop", label="first")

    content = content_of(tmp_path)
    for secret in (access, refresh, key, HOME, PHONE):
        assert secret.encode() not in content
