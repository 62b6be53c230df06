"""Putting the plane together: addresses, credentials, closing."""

import asyncio
from pathlib import Path

import pytest

from gateway.clock import NS, ManualClock
from gateway.errors import Unavailable
from gateway.ids import AccountId, SessionId
from gateway.media.adapters.plane import CANDIDATES_MAX, candidate_addresses, open_plane
from gateway.media.turn import TurnSettings
from gateway.metering.ports import Gate
from gateway.signaling.ports import Media
from gateway.terms import SessionKind, Side
from tests.media.app import App
from tests.media.facts import Facts

pytestmark = pytest.mark.adapter


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("host", "advertised", "named"),
    [
        ("127.0.0.1", (), ("127.0.0.1",)),
        ("::1", (), ("::1",)),
        ("0.0.0.0", (), ("192.0.2.2", "10.0.0.2")),
        ("::", (), ("192.0.2.2", "10.0.0.2", "2001:db8::2")),
        ("0.0.0.0", ("203.0.113.5", "2001:DB8::5"), ("203.0.113.5", "2001:db8::5")),
    ],
)
def test_candidates_are_what_is_advertised_or_what_the_host_is_reached_by(
    host: str, advertised: tuple[str, ...], named: tuple[str, ...]
) -> None:
    def interfaces(bound: str) -> tuple[str, ...]:
        """A machine with two interfaces, one of them with both families."""
        four, six = ("192.0.2.2", "10.0.0.2"), ("2001:DB8::2",)
        return {"0.0.0.0": four, "::": four + six}.get(bound, (bound,))

    assert candidate_addresses(host, advertised, interfaces=interfaces) == named


def test_an_answer_names_no_more_addresses_than_an_app_can_check() -> None:
    many = [f"192.0.2.{each}" for each in (*range(1, 40), 1)]

    assert candidate_addresses("0.0.0.0", many) == tuple(many[:CANDIDATES_MAX])


def test_a_name_cannot_be_advertised() -> None:
    with pytest.raises(Unavailable, match="not an IP address"):
        candidate_addresses("0.0.0.0", ("media.example",))


async def test_the_answer_names_the_advertised_address_and_the_real_port() -> None:
    media = await open_plane(
        host="127.0.0.1", port=0, advertised=("203.0.113.5",), clock=ManualClock(), sink=Facts()
    )
    app = App()

    answer = await media.answer(SessionId("ses_1"), Side.CLIENT, SessionKind.VOICE, app.offer())

    assert f" 203.0.113.5 {media.port} typ host" in answer
    await app.close()
    await media.close()


async def test_turn_credentials_are_handed_out_with_their_time() -> None:
    clock = ManualClock(wall_ns=1_000 * NS)
    turn = TurnSettings(urls=("turn:turn.example:3478",), secret="north", ttl_s=600)
    media = await open_plane(host="127.0.0.1", port=0, clock=clock, sink=Facts(), turn=turn)

    (server,) = media.ice_servers(AccountId("acc_1"))

    assert server["username"] == "1600:acc_1"
    await media.close()


async def test_without_turn_there_are_no_servers() -> None:
    media = await open_plane(host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts())

    assert media.ice_servers(AccountId("acc_1")) == []
    await media.close()


async def test_a_closed_plane_leaves_no_task_and_frees_its_port() -> None:
    before = asyncio.all_tasks()
    media = await open_plane(host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts())
    app = App()
    app.take(await media.answer(SessionId("ses_1"), Side.CLIENT, SessionKind.VOICE, app.offer()))
    await app.check()

    await media.close()

    assert asyncio.all_tasks() == before
    again = await open_plane(host="127.0.0.1", port=media.port, clock=ManualClock(), sink=Facts())
    await again.close()
    await app.close()


async def test_calls_on_several_ports_do_not_meet() -> None:
    media = await open_plane(host="127.0.0.1", port=0, ports=3, clock=ManualClock(), sink=Facts())
    app = App()

    answers = [
        await media.answer(SessionId(f"ses_{number}"), Side.CLIENT, SessionKind.VOICE, app.offer())
        for number in range(3)
    ]

    assert len(set(media.ports)) == 3
    for port, answer in zip(media.ports, answers, strict=True):
        assert f" 127.0.0.1 {port} typ host" in answer
    await app.close()
    await media.close()


async def test_one_taken_port_of_several_leaves_none_open() -> None:
    taken = await open_plane(host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts())
    before = descriptors()

    with pytest.raises(Unavailable, match="cannot be bound"):
        await open_plane(host="127.0.0.1", port=taken.port - 1, ports=2, clock=ManualClock(), sink=Facts())

    assert descriptors() == before
    await taken.close()


async def test_the_service_is_what_signalling_and_metering_ask_for() -> None:
    media = await open_plane(host="127.0.0.1", port=0, clock=ManualClock(), sink=Facts())
    as_media: Media = media
    as_gate: Gate = media

    assert as_gate.evidence() == []
    assert as_media.send_text(SessionId("ses_1"), Side.CLIENT, "nobody") is False
    await media.close()
