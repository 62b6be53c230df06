"""TURN credentials are what coturn's use-auth-secret expects."""

import base64
import hashlib
import hmac

import pytest

from gateway.clock import NS
from gateway.ids import AccountId
from gateway.media.turn import TurnSettings, ice_server

pytestmark = pytest.mark.core

SETTINGS = TurnSettings(urls=("turn:turn.example:3478?transport=udp",), secret="north", ttl_s=600)
ACCOUNT = AccountId("acc_1")


def test_the_username_names_expiry_and_account() -> None:
    server = ice_server(SETTINGS, ACCOUNT, wall_ns=1_000 * NS)

    assert server["username"] == "1600:acc_1"
    assert server["urls"] == ["turn:turn.example:3478?transport=udp"]


def test_the_credential_is_the_hmac_sha1_of_the_username() -> None:
    server = ice_server(SETTINGS, ACCOUNT, wall_ns=1_000 * NS)

    expected = hmac.new(b"north", b"1600:acc_1", hashlib.sha1).digest()
    assert server["credential"] == base64.b64encode(expected).decode()


def test_the_secret_is_not_shown() -> None:
    assert "north" not in repr(SETTINGS)
