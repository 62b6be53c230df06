"""Standard Webhooks signatures: the published vector, and everything that must be refused."""

import base64

import pytest

from gateway.booking.webhook_signature import SignatureStatus, sign, verify

pytestmark = pytest.mark.core

SECRET = b"k" * 32
NOW_S = 1_790_000_000
BODY = b'{"type":"payment.paid"}'
HEADERS = sign(SECRET, message_id="msg_1", timestamp_s=NOW_S, body=BODY)


def test_the_published_vector_of_standard_webhooks() -> None:
    # From the test suites of the Standard Webhooks reference libraries.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = sign(secret, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp_s=1614265330, body=body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("change", "body", "now_s", "status"),
    [
        ({}, BODY, NOW_S, SignatureStatus.GOOD),
        ({}, BODY, NOW_S + 300, SignatureStatus.GOOD),
        ({}, BODY, NOW_S - 300, SignatureStatus.GOOD),
        ({}, BODY, NOW_S + 301, SignatureStatus.STALE),
        ({}, BODY, NOW_S - 301, SignatureStatus.STALE),
        ({}, BODY + b" ", NOW_S, SignatureStatus.WRONG),
        ({"webhook-id": "msg_2"}, BODY, NOW_S, SignatureStatus.WRONG),
        ({"webhook-timestamp": str(NOW_S + 1)}, BODY, NOW_S, SignatureStatus.WRONG),
        ({"webhook-signature": "v1,AAAA"}, BODY, NOW_S, SignatureStatus.WRONG),
        ({"webhook-signature": "v1,not base64!"}, BODY, NOW_S, SignatureStatus.WRONG),
        (
            {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")},
            BODY,
            NOW_S,
            SignatureStatus.WRONG,
        ),
        ({"webhook-signature": "v1,AAAA " + HEADERS["webhook-signature"]}, BODY, NOW_S, SignatureStatus.GOOD),
        ({"webhook-signature": ""}, BODY, NOW_S, SignatureStatus.MISSING),
        ({"webhook-id": ""}, BODY, NOW_S, SignatureStatus.MISSING),
        ({"webhook-timestamp": ""}, BODY, NOW_S, SignatureStatus.MISSING),
        ({"webhook-timestamp": "yesterday"}, BODY, NOW_S, SignatureStatus.MISSING),
        ({"webhook-timestamp": "-1790000000"}, BODY, NOW_S, SignatureStatus.MISSING),
        ({"webhook-timestamp": "9" * 5000}, BODY, NOW_S, SignatureStatus.MISSING),
    ],
)
def test_verification(change: dict[str, str], body: bytes, now_s: int, status: SignatureStatus) -> None:
    assert verify(SECRET, {**HEADERS, **change}, body, now_s=now_s) is status


def test_another_secret_does_not_fit() -> None:
    assert verify(b"x" * 32, HEADERS, BODY, now_s=NOW_S) is SignatureStatus.WRONG
