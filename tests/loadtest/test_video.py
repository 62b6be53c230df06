"""The picture is one that needs its bits, and the slower of both sides is judged."""

import io
import zlib

import pytest

from loadtest import video

pytestmark = pytest.mark.core


def seen(client: float, provider: float) -> dict[str, object]:
    """What the browsers' script says of a call with these rates."""
    rates = {"client": client, "provider": provider}
    return {
        side: {"video_kbit_per_s": rate, "frames_decoded": 900, "picture": {"width": 640}}
        for side, rate in rates.items()
    }


@pytest.mark.parametrize(
    ("client", "provider", "ok"), [(1_000, 1_000.4, True), (999.9, 2_000, False), (2_000, 999.9, False)]
)
def test_both_pictures_must_be_sent_at_the_rate(client, provider, ok):
    figures = video.judged(seen(client, provider), 30)

    assert figures["ok"] is ok
    assert (figures["kbit_per_s_client"], figures["kbit_per_s_provider"]) == (round(client), round(provider))


def test_the_film_is_whole_and_hard_to_make_small():
    film = io.BytesIO()
    video.write_noise(film)
    head, first, *more = film.getvalue().split(b"FRAME\n")
    size = video.WIDTH * video.HEIGHT * 3 // 2

    assert head == b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n"
    assert [len(each) for each in (first, *more)] == [size] * video.FRAMES
    assert len(zlib.compress(first)) > size // 5
    assert len({first, *more}) == video.FRAMES
