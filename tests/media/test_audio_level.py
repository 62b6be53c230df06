"""The audio level octet and its histogram."""

import pytest

from gateway.media.audio_level import BUCKETS, SILENCE_DBOV, bucket, level_dbov

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("octet", "dbov"), [(0, 0), (0x7F, SILENCE_DBOV), (0x80, 0), (0x80 | 30, -30), (42, -42)]
)
def test_the_voice_activity_bit_is_no_part_of_the_level(octet: int, dbov: int) -> None:
    assert level_dbov(octet) == dbov


@pytest.mark.parametrize(("dbov", "index"), [(0, 0), (-15, 0), (-16, 1), (-127, BUCKETS - 1)])
def test_a_bucket_is_sixteen_decibels_wide(dbov: int, index: int) -> None:
    assert bucket(dbov) == index
