"""The crowd's engine against a far end of ours: who speaks, what is recognised, what is counted."""

import contextlib
import itertools
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pylibsrtp import Policy, Session

from gateway.media.adapters.srtp import NativeSession
from loadtest.crowd.crowd import Crowd, Habits, percentile_of_steps
from loadtest.voice import Recording

pytestmark = pytest.mark.adapter

RECORDING = Recording.load(Path(__file__).parents[2] / "gateway" / "assets" / "speech.ogg")
KEY = bytes(range(44))
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_256_GCM
WAIT_S = 10.0


class Nobody:
    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def take(self, datagram: bytes, at_ns: int) -> None:
        self.taken.append(datagram)


class Echo:
    """A gateway that gives every packet of one address to another, with a sequence number of its own line."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.address = self.sock.getsockname()
        self.shift = 1_000
        self.came_from: list[str] = []
        self.sequences: list[int] = []
        self.timestamps: list[int] = []
        self.opener = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE))
        self.sealer = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))
        self.kept: list[NativeSession] = []

    def put(self, crowd: Crowd, number: int) -> Nobody:
        nobody = Nobody()
        crowd.join(number, number ^ 1, nobody)
        sessions = [
            NativeSession(Session(Policy(key=KEY, ssrc_type=kind, srtp_profile=PROFILE)))
            for kind in (Policy.SSRC_ANY_INBOUND, Policy.SSRC_ANY_OUTBOUND)
        ]
        self.kept += sessions
        opener, sealer = (session.address for session in sessions)
        crowd.speak(number, opener=opener, sealer=sealer, far=self.address, at_ns=time.monotonic_ns())
        return nobody

    def forward(self, *, to: int, until: Callable[[], bool], moves: int = 0) -> None:
        """What comes from the leg that talks with `to` goes to `to`, until that holds."""
        ends_at = time.monotonic() + WAIT_S
        while not until():
            assert time.monotonic() < ends_at, "nothing more came"
            if not select.select([self.sock], [], [], 0.1)[0]:
                continue
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, (host, _) = self.sock.recvfrom(2_048)
                    if host.rpartition(".")[2] == str(2 - to % 2):
                        self._pass_on(data, host, to, moves)

    def _pass_on(self, data: bytes, host: str, to: int, moves: int) -> None:
        packet = bytearray(self.opener.unprotect(data))
        sequence = int.from_bytes(packet[2:4], "big")
        self.came_from.append(host)
        self.sequences.append(sequence)
        self.timestamps.append(int.from_bytes(packet[4:8], "big"))
        packet[2:4] = ((sequence + self.shift) & 0xFFFF).to_bytes(2, "big")
        self.sock.sendto(self.sealer.protect(bytes(packet)), self.crowd.address(to, moves))


@contextlib.asynccontextmanager
async def crowded(habits: Habits | None = None):
    async with Crowd(RECORDING, habits or Habits()) as crowd:
        echo = Echo(crowd)
        try:
            yield crowd, echo
        finally:
            for number in (0, 1):
                crowd.leave(number)
            echo.sock.close()


async def test_a_packet_is_recognised_though_the_relay_numbers_it_otherwise_and_counted_once():
    async with crowded() as (crowd, echo):
        crowd.engine.count(True)
        echo.put(crowd, 0)
        echo.put(crowd, 1)

        echo.forward(to=1, until=lambda: crowd.engine.figures(0)["delivered"] >= 20)

        speaker, hearer = crowd.engine.figures(0), crowd.engine.figures(1)
        assert hearer["received"] == speaker["delivered"]
        assert (hearer["bad"], hearer["unknown"]) == (0, 0)
        assert speaker["delivered"] <= speaker["sent"]
        assert sum(crowd.engine.took()) == speaker["delivered"]


async def test_a_relay_that_begins_a_new_stretch_is_followed():
    async with crowded() as (crowd, echo):
        crowd.engine.count(True)
        echo.put(crowd, 0)
        echo.put(crowd, 1)
        echo.forward(to=1, until=lambda: crowd.engine.figures(0)["delivered"] >= 5)

        echo.shift = 1_700
        echo.forward(to=1, until=lambda: crowd.engine.figures(0)["delivered"] >= 15)

        assert crowd.engine.figures(1)["unknown"] == 0


async def test_what_is_sent_while_nothing_is_counted_is_not_missed():
    async with crowded() as (crowd, echo):
        echo.put(crowd, 0)
        echo.put(crowd, 1)

        echo.forward(to=1, until=lambda: crowd.engine.figures(1)["received"] >= 5)

        assert (crowd.engine.figures(0)["sent"], crowd.engine.figures(0)["delivered"]) == (0, 0)


async def test_a_lost_packet_takes_its_number_with_it():
    async with crowded(Habits(loss=0.5)) as (crowd, echo):
        echo.put(crowd, 0)
        echo.put(crowd, 1)

        echo.forward(to=1, until=lambda: len(echo.sequences) >= 20)

        assert echo.sequences[-1] - echo.sequences[0] > len(echo.sequences) - 1
        assert crowd.engine.figures(0)["withheld"] > 0
        assert crowd.engine.figures(1)["unknown"] == 0


async def test_a_leg_that_roams_hears_only_what_comes_to_its_new_address():
    async with crowded() as (crowd, echo):
        echo.put(crowd, 0)
        echo.put(crowd, 1)
        echo.forward(to=1, until=lambda: crowd.engine.figures(1)["received"] >= 5)

        crowd.roam(1, 1)
        before = crowd.engine.figures(1)["received"]
        echo.forward(to=1, until=lambda: len(echo.sequences) >= 20)
        assert crowd.engine.figures(1)["received"] == before
        assert crowd.engine.figures(1)["is_between"]

        echo.forward(to=1, until=lambda: crowd.engine.figures(1)["received"] > before, moves=1)
        assert crowd.engine.figures(1)["roamed_heard_ns"] > 0
        assert not crowd.engine.figures(1)["is_between"]


async def test_a_dead_leg_says_nothing_more():
    async with crowded() as (crowd, echo):
        echo.put(crowd, 0)
        echo.put(crowd, 1)
        echo.forward(to=1, until=lambda: len(echo.sequences) >= 5)

        crowd.engine.kill(0)
        last_ns = crowd.engine.figures(0)["sent_last_ns"]
        echo.forward(to=0, until=lambda: len(echo.sequences) >= 20)

        assert crowd.engine.figures(0)["sent_last_ns"] == last_ns
        assert crowd.engine.figures(0)["received"] == 0


async def test_between_talk_spurts_a_frame_is_spoken_every_400_ms_and_recognised():
    def steps() -> set[int]:
        stamps = echo.timestamps
        return {(later - earlier) % 2**32 for earlier, later in itertools.pairwise(stamps)}

    async with crowded(Habits(has_silences=True)) as (crowd, echo):
        echo.put(crowd, 0)
        echo.put(crowd, 1)

        echo.forward(to=1, until=lambda: {960, 19_200} <= steps())

        assert crowd.engine.figures(1)["unknown"] == 0


@pytest.mark.parametrize(
    ("steps", "rank", "upper"),
    [
        ([1, 1, 0], 50, 1),
        ([1, 1, 0], 99, 2),
        ([99, 1, 0], 99, 1),
        ([0, 0, 1], 50, float("inf")),
        ([0, 0], 50, float("inf")),
    ],
)
def test_a_percentile_is_the_upper_end_of_its_step(steps, rank, upper):
    assert percentile_of_steps(steps, rank) == upper
