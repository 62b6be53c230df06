"""Checks: read by cost, authentic or not, answered with where they came from."""

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.adapters.stun import Check, StunDrop, is_authentic, read_check, success

pytestmark = pytest.mark.adapter

PWD = "gateway-password-of-32-characters"


def request(
    *, username: str | None = "near:far", pwd: str | None = PWD, kind: stun.Class = stun.Class.REQUEST
) -> bytes:
    message = stun.Message(message_method=stun.Method.BINDING, message_class=kind)
    if username is not None:
        message.attributes["USERNAME"] = username
    message.attributes["USE-CANDIDATE"] = None
    if pwd is not None:
        message.add_message_integrity(pwd.encode())
    return bytes(message)


def read(datagram: bytes) -> Check:
    check = read_check(datagram)
    assert isinstance(check, Check)
    return check


def test_a_check_names_both_fragments() -> None:
    check = read(request())

    assert (check.ufrag, check.far_ufrag, check.nominates) == ("near", "far", True)
    assert is_authentic(check, PWD)


def test_another_password_is_not_authentic() -> None:
    assert not is_authentic(read(request(pwd="x" * 32)), PWD)


def test_the_answer_is_signed_and_says_where_the_check_came_from() -> None:
    check = read(request())

    answer = stun.parse_message(success(check, PWD, ("192.0.2.1", 5_000)))

    assert answer.message_class is stun.Class.RESPONSE
    assert answer.transaction_id == check.transaction
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.1", 5_000)
    assert answer.check_message_integrity(PWD.encode())
    assert "FINGERPRINT" in answer.attributes


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (("::ffff:192.0.2.1", 5_000, 0, 0), ("192.0.2.1", 5_000)),
        (("2001:db8::1", 5_000, 0, 0), ("2001:db8::1", 5_000)),
    ],
)
def test_addresses_of_a_dual_stack_socket_are_said_as_the_app_knows_them(
    address: tuple[str | int, ...], shown: tuple[str, int]
) -> None:
    answer = stun.parse_message(success(read(request()), PWD, address))

    assert answer.attributes["XOR-MAPPED-ADDRESS"] == shown


DROPPED = {
    "nothing": (b"", StunDrop.MALFORMED),
    "another cookie": (request()[:4] + b"abcd" + request()[8:], StunDrop.MALFORMED),
    "a tail": (request() + b"tail", StunDrop.MALFORMED),
    "a giant": (request() + bytes(2_000), StunDrop.MALFORMED),
    "an indication": (request(kind=stun.Class.INDICATION), StunDrop.NOT_A_REQUEST),
    "an answer": (request(kind=stun.Class.RESPONSE), StunDrop.NOT_A_REQUEST),
    "no integrity": (request(pwd=None), StunDrop.NO_INTEGRITY),
    "no username": (request(username=None), StunDrop.MALFORMED),
    "half a username": (request(username="near"), StunDrop.MALFORMED),
}


@pytest.mark.parametrize("name", DROPPED)
def test_what_is_no_authenticated_request_is_dropped_by_reason(name: str) -> None:
    datagram, reason = DROPPED[name]

    assert read_check(datagram) is reason


@given(st.binary(max_size=200), st.integers(0, 120))
def test_no_noise_makes_it_raise(noise: bytes, cut: int) -> None:
    read_check(noise)
    read_check(request()[:cut] + noise)
    read_check(b"\x00\x01" + len(noise).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + noise)
