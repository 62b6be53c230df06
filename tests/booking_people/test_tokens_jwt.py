import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.booking.adapters.key_files import key_id_of
from gateway.booking.adapters.tokens_jwt import JwtTokens
from gateway.clock import NS, ManualClock
from gateway.errors import Unauthenticated
from gateway.ids import AccountId, SessionId
from gateway.terms import Role

pytestmark = pytest.mark.adapter

ANN = AccountId("acc_ann")
OLD, NEW, FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
ROLES = frozenset({Role.CLIENT, Role.PROVIDER})


def key_of(seed: bytes) -> tuple[Ed25519PrivateKey, str]:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key, key_id_of(key.public_key().public_bytes_raw())


def forged(clock: ManualClock, seed: bytes = OLD, *, kid: str | None = None, **changes: Any) -> str:
    """A token signed as ours is, with some claims changed (None removes one)."""
    key, own_kid = key_of(seed)
    now_s = clock.wall_ns() // NS
    claims = {
        "iss": "gateway",
        "aud": "gateway",
        "sub": ANN,
        "roles": ["client"],
        "iat": now_s,
        "exp": now_s + 60,
    }
    claims |= changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": kid or own_kid})


def test_a_minted_token_speaks_for_its_account_until_it_expires() -> None:
    clock = ManualClock()
    tokens = JwtTokens([OLD], clock, ttl_s=900)

    token = tokens.mint(ANN, ROLES)
    clock.advance(seconds=899)
    principal = tokens.verify(token.text)

    assert token.expires_in_s == 900
    assert (principal.account, principal.roles, principal.session) == (ANN, ROLES, None)
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated) as refusal:
        tokens.verify(token.text)
    assert refusal.value.wire_code == "token_expired"


def test_a_token_may_be_bound_to_a_session_and_live_longer() -> None:
    clock = ManualClock()
    tokens = JwtTokens([OLD], clock)

    principal = tokens.verify(tokens.mint(ANN, ROLES, session=SessionId("ses_1"), ttl_s=7_200).text)

    assert principal.session == "ses_1"
    assert principal.expires_at_s == clock.wall_ns() // NS + 7_200


def test_after_rotation_old_tokens_verify_and_new_ones_are_signed_by_the_new_key() -> None:
    clock = ManualClock()
    old = JwtTokens([OLD], clock).mint(ANN, ROLES).text
    rotated = JwtTokens([NEW, OLD], clock)
    new = rotated.mint(ANN, ROLES).text

    assert rotated.verify(old).account == ANN
    assert jwt.get_unverified_header(new)["kid"] == key_of(NEW)[1]
    with pytest.raises(Unauthenticated):
        JwtTokens([NEW], clock).verify(old)


def unsigned(clock: ManualClock) -> str:
    header, claims, _ = forged(clock).split(".")
    none = (
        base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": key_of(OLD)[1]}).encode())
        .decode()
        .rstrip("=")
    )
    assert header
    return f"{none}.{claims}."


def symmetric(clock: ManualClock) -> str:
    """Signed by HMAC with the public key, which a careless verifier would accept."""
    public = key_of(OLD)[0].public_key().public_bytes_raw().hex()
    now_s = clock.wall_ns() // NS
    claims = {
        "iss": "gateway",
        "aud": "gateway",
        "sub": ANN,
        "roles": ["operator"],
        "iat": now_s,
        "exp": now_s + 60,
    }
    return jwt.encode(claims, public, algorithm="HS256", headers={"kid": key_of(OLD)[1]})


@pytest.mark.parametrize(
    "make",
    [
        lambda clock: "",
        lambda clock: "no.jwt.here",
        lambda clock: "é",
        lambda clock: "x" * 5_000,
        lambda clock: forged(clock)[:-4],
        unsigned,
        symmetric,
        lambda clock: forged(clock, FOREIGN),
        lambda clock: forged(clock, FOREIGN, kid=key_of(OLD)[1]),
        lambda clock: forged(clock, kid="unknown"),
        lambda clock: forged(clock, iss="somebody"),
        lambda clock: forged(clock, aud="somewhere"),
        lambda clock: forged(clock, iss=None),
        lambda clock: forged(clock, exp=None),
        lambda clock: forged(clock, iat=None),
        lambda clock: forged(clock, sub=None),
        lambda clock: forged(clock, sub=""),
        lambda clock: forged(clock, roles=None),
        lambda clock: forged(clock, roles=[]),
        lambda clock: forged(clock, roles="client"),
        lambda clock: forged(clock, roles=["emperor"]),
        lambda clock: forged(clock, exp="later"),
        lambda clock: forged(clock, exp=0),
    ],
)
def test_what_this_gateway_did_not_sign_as_it_stands_is_refused(make: Any) -> None:
    clock = ManualClock()

    with pytest.raises(Unauthenticated):
        JwtTokens([OLD], clock).verify(make(clock))


def test_a_token_made_by_the_same_rules_is_accepted() -> None:
    clock = ManualClock()

    assert JwtTokens([OLD], clock).verify(forged(clock)).account == ANN


def test_a_revocation_refuses_the_tokens_of_before_and_none_of_after() -> None:
    clock = ManualClock()
    revoked: dict[AccountId, int] = {}
    tokens = JwtTokens([OLD], clock, not_before_s=lambda account: revoked.get(account, 0))
    before, others = tokens.mint(ANN, ROLES).text, tokens.mint(AccountId("acc_bob"), ROLES).text

    revoked[ANN] = clock.wall_ns() // NS + 1
    after = tokens.mint(ANN, ROLES).text

    with pytest.raises(Unauthenticated) as refusal:
        tokens.verify(before)
    assert refusal.value.wire_code == "token_revoked"
    assert tokens.verify(after).account == ANN
    assert tokens.verify(others).account == "acc_bob"
