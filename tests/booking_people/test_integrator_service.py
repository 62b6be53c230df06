import pytest

from gateway.booking.integrator_service import API_KEY_PREFIX, Participant
from gateway.errors import InvariantBroken, Unauthenticated, Unprocessable
from gateway.ids import AccountId, SessionId
from gateway.terms import Role
from tests.booking_people.bench import CLIENT, PROVIDER, Bench

pytestmark = pytest.mark.service


def participant(external_id: str = "user-1", roles: frozenset[Role] = CLIENT) -> Participant:
    return Participant(external_id=external_id, nickname="Ann", roles=roles)


async def shop(bench: Bench, name: str = "shop") -> AccountId:
    return (await bench.integrators.verify(await bench.integrators.make_key(name, label="k"))).account


async def test_a_key_speaks_for_its_integrator_until_it_is_revoked(bench: Bench) -> None:
    key = await bench.integrators.make_key("shop", label="first")
    other = await bench.integrators.make_key("shop", label="second")
    principal = await bench.integrators.verify(key)

    assert key.startswith(API_KEY_PREFIX)
    assert principal.roles == {Role.INTEGRATOR}
    assert (await bench.integrators.verify(other)).account == principal.account
    assert await bench.integrators.revoke_key(key)
    assert not await bench.integrators.revoke_key("never made")
    with pytest.raises(Unauthenticated):
        await bench.integrators.verify(key)
    assert await bench.integrators.verify(other)


@pytest.mark.parametrize("key", ["", "gwk_", "gwk_guess", "x" * 1_000])
async def test_an_unknown_key_is_refused(bench: Bench, key: str) -> None:
    with pytest.raises(Unauthenticated):
        await bench.integrators.verify(key)


async def test_a_configured_key_may_be_installed_at_every_start(bench: Bench) -> None:
    key = "configured-key-of-enough-characters"

    first = await bench.integrators.install_key("shop", key, label="configured")
    again = await bench.integrators.install_key("shop", key, label="configured")

    assert first.id == again.id == (await bench.integrators.verify(key)).account
    with pytest.raises(InvariantBroken):
        await bench.integrators.install_key("shop", "short", label="configured")


async def test_a_participant_is_the_same_account_each_time_and_another_for_another_integrator(
    bench: Bench,
) -> None:
    first_shop, other_shop = await shop(bench), await shop(bench, "club")

    _, first = await bench.integrators.admit(first_shop, participant())
    _, again = await bench.integrators.admit(first_shop, participant(roles=PROVIDER))
    _, foreign = await bench.integrators.admit(other_shop, participant())

    assert first.id == again.id != foreign.id
    assert again.roles == PROVIDER
    assert set(bench.wallets.opened) == {first.id, foreign.id}


async def test_a_participants_token_has_the_roles_session_and_time_that_were_asked_for(bench: Bench) -> None:
    wanted = Participant(
        external_id="user-1",
        nickname="Ann",
        roles=CLIENT | PROVIDER,
        session=SessionId("ses_1"),
        ttl_s=120,
    )

    token, account = await bench.integrators.admit(await shop(bench), wanted)
    principal = bench.tokens.verify(token.text)

    assert token.expires_in_s == 120
    assert (principal.account, principal.roles, principal.session) == (account.id, CLIENT | PROVIDER, "ses_1")


@pytest.mark.parametrize(
    "roles",
    [frozenset[Role](), frozenset({Role.OPERATOR}), frozenset({Role.CLIENT, Role.INTEGRATOR})],
)
async def test_an_integrator_can_make_neither_operators_nor_integrators(
    bench: Bench, roles: frozenset[Role]
) -> None:
    with pytest.raises(Unprocessable):
        await bench.integrators.admit(await shop(bench), participant(roles=roles))
