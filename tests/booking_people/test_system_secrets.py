import pytest

from gateway.booking.adapters.system_secrets import SystemSecrets

pytestmark = pytest.mark.adapter


def test_codes_are_six_digits_and_tokens_long_and_different() -> None:
    secrets = SystemSecrets()
    codes = [secrets.six_digits() for _ in range(200)]

    assert all(len(code) == 6 and code.isdigit() and code.isascii() for code in codes)
    assert len(set(codes)) > 190
    assert len({secrets.token() for _ in range(100)}) == 100
    assert len(secrets.token()) >= 43
