from dataclasses import replace

import pytest

from gateway.booking.people.one_time_code import (
    USUAL_POLICY,
    Challenge,
    CheckStatus,
    SendStatus,
    check,
    digest_of,
    may_send,
)
from gateway.clock import NS

pytestmark = pytest.mark.core

NOW_NS = 1_000_000 * NS
RIGHT = digest_of(b"key", "+8610000000001", "123456")
WRONG = digest_of(b"key", "+8610000000001", "654321")
SENT = Challenge(digest=RIGHT, sent_at_wall_ns=NOW_NS)


def ago(*seconds: int) -> list[int]:
    return [NOW_NS - second * NS for second in seconds]


@pytest.mark.parametrize(
    ("phone", "address", "status", "wait_s"),
    [
        ([], [], SendStatus.SEND, 0),
        ([30], [30], SendStatus.SEND, 0),
        ([29], [29], SendStatus.TOO_SOON, 1),
        ([0], [0], SendStatus.TOO_SOON, 30),
        ([100, 200, 300, 400, 500], [], SendStatus.SEND, 0),
        ([100, 200, 300, 400, 500, 600], [], SendStatus.PHONE_LIMIT, 3_000),
        ([100, 200, 300, 400, 500, 3_600], [], SendStatus.SEND, 0),
        ([], [60] * 29, SendStatus.SEND, 0),
        ([], [60] * 30, SendStatus.ADDRESS_LIMIT, 3_540),
        ([], [60] * 29 + [3_601], SendStatus.SEND, 0),
    ],
)
def test_codes_are_bounded_by_phone_and_by_address(
    phone: list[int], address: list[int], status: SendStatus, wait_s: int
) -> None:
    answer = may_send(
        USUAL_POLICY,
        phone_sent_wall_ns=ago(*phone),
        address_sent_wall_ns=ago(*address),
        now_wall_ns=NOW_NS,
    )

    assert (answer.status, answer.wait_ns // NS) == (status, wait_s)


@pytest.mark.parametrize(
    ("challenge", "digest", "seconds_later", "status"),
    [
        (SENT, RIGHT, 0, CheckStatus.ACCEPTED),
        (SENT, RIGHT, 299, CheckStatus.ACCEPTED),
        (SENT, RIGHT, 300, CheckStatus.EXPIRED),
        (SENT, WRONG, 0, CheckStatus.WRONG),
        (replace(SENT, tries=4), RIGHT, 0, CheckStatus.ACCEPTED),
        (replace(SENT, tries=5), RIGHT, 0, CheckStatus.TRIES_SPENT),
        (replace(SENT, is_used=True), RIGHT, 0, CheckStatus.NO_CODE),
        (None, RIGHT, 0, CheckStatus.NO_CODE),
    ],
)
def test_an_answer_is_judged_by_what_is_outstanding(
    challenge: Challenge | None, digest: bytes, seconds_later: int, status: CheckStatus
) -> None:
    now_ns = NOW_NS + seconds_later * NS

    assert check(USUAL_POLICY, challenge, digest=digest, now_wall_ns=now_ns)[0] is status


def test_a_wrong_answer_is_counted_and_a_right_one_uses_the_code() -> None:
    _, after_wrong = check(USUAL_POLICY, SENT, digest=WRONG, now_wall_ns=NOW_NS)
    _, after_right = check(USUAL_POLICY, SENT, digest=RIGHT, now_wall_ns=NOW_NS)

    assert after_wrong == replace(SENT, tries=1)
    assert after_right == replace(SENT, is_used=True)


def test_a_digest_is_good_for_one_phone_and_one_key() -> None:
    assert (
        len(
            {
                RIGHT,
                digest_of(b"key", "+8610000000002", "123456"),
                digest_of(b"other", "+8610000000001", "123456"),
            }
        )
        == 3
    )
