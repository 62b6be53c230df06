"""Settings: where they come from, what is refused, what is hidden."""

from pathlib import Path
from typing import Any

import pytest

from gateway.config import settings_from
from gateway.errors import Unprocessable

pytestmark = pytest.mark.core

DEMO = {"GATEWAY_ENVIRONMENT": "demo"}


def test_later_sources_win_over_earlier_ones() -> None:
    made = settings_from(
        toml='environment = "demo"\nhttp_port = 1\nmedia_port = 2\nfee_bp = 3',
        environ={"GATEWAY_MEDIA_PORT": "20", "GATEWAY_FEE_BP": "30", "PATH": "/bin"},
        flags={"fee_bp": 300, "http_host": None},
    )

    assert (made.http_port, made.media_port, made.fee_bp, made.http_host) == (1, 20, 300, "127.0.0.1")
    assert made.is_demo


def test_lists_and_paths_are_read_from_text() -> None:
    made = settings_from(
        environ={**DEMO, "GATEWAY_ADVERTISED_ADDRESSES": "192.0.2.1, 2001:db8::1", "GATEWAY_DATA_DIR": "/x"}
    )

    assert made.advertised_addresses == ("192.0.2.1", "2001:db8::1")
    assert made.data_dir == Path("/x")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"surprise": "1"}, "surprise"),
        ({"http_port": "eighty"}, "http_port"),
        ({"http_port": "70000"}, "http_port"),
        ({"currency": "XXX"}, "currency"),
        ({"environment": "staging"}, "environment"),
        ({"environment": "production"}, "environment"),
        ({"is_behind_tls_proxy": "perhaps"}, "is_behind_tls_proxy"),
        ({"tls_key": "/k.pem"}, "tls_certificate"),
        ({"turn_urls": "turn:192.0.2.1"}, "turn_urls"),
        ({"ice_tcp_port": "-2"}, "ice_tcp_port"),
        ({"ice_tcp_port": "next"}, "ice_tcp_port"),
        ({"relay": "fastest"}, "relay"),
        ({"media_ports": "0"}, "media_ports"),
        ({"sessions_max": "0"}, "sessions_max"),
        ({"sessions_max": "2001"}, "sessions_max"),
        ({"full_at_cpu_percent": "101"}, "full_at_cpu_percent"),
        ({"calm_s": "0"}, "calm_s"),
        ({"media_port": "65535", "media_ports": "2"}, "media_ports"),
    ],
)
def test_what_cannot_be_set_is_refused_by_its_key(given: dict[str, Any], key: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        settings_from(environ=DEMO, flags=given)

    assert refused.value.extensions["key"] == key


def test_production_needs_tls_or_a_proxy_that_ends_it() -> None:
    with pytest.raises(Unprocessable):
        settings_from()

    assert settings_from(flags={"is_behind_tls_proxy": "true"}).environment == "production"


def test_a_broken_file_is_named() -> None:
    with pytest.raises(Unprocessable, match="not TOML"):
        settings_from(toml="= 1", environ=DEMO)


def test_secrets_are_not_shown() -> None:
    made = settings_from(
        environ={**DEMO, "GATEWAY_TURN_SECRET": "hush", "GATEWAY_TURN_URLS": "turn:192.0.2.1"}
    )

    assert "hush" not in str(made.shown())
    assert made.shown()["http_port"] == 8080


def test_a_gateway_beside_its_own_load_is_full_by_the_count_of_sessions_alone() -> None:
    made = settings_from(environ={**DEMO, "GATEWAY_SESSIONS_MAX": "7"}).unjudged()

    assert made.sessions_max == 7
    assert {value for key, value in made.shown().items() if key.startswith("full_at_")} == {0}


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 8081),
        ({"http_port": "443"}, 444),
        ({"http_port": "65535"}, 65534),
        ({"http_port": "0"}, 0),
        ({"ice_tcp_port": "3478"}, 3478),
        ({"ice_tcp_port": "0"}, 0),
        ({"ice_tcp_port": "-1"}, None),
        ({"ice_tcp_port": ""}, None),
    ],
)
def test_the_tcp_port_of_media_is_the_http_ports_neighbour_unless_it_is_set(
    given: dict[str, str], port: int | None
) -> None:
    assert settings_from(environ=DEMO, flags=given).tcp_port == port


def test_a_wildcard_needs_no_advertised_address() -> None:
    assert settings_from(environ=DEMO, flags={"media_host": "::"}).advertised_addresses == ()
