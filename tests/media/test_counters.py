"""The buffer's layout: no two things share a cell, handles name their rows."""

import pytest

from gateway.limits import LIVE_SESSIONS_MAX
from gateway.media.counters import COLUMNS, LEGS_MAX, LEVEL_BUCKETS, ROWS, Column, Drop, handle, row_of

pytestmark = pytest.mark.core


@pytest.mark.parametrize("names", [Column, Drop])
def test_every_name_has_a_cell_of_its_own(names: type[Column] | type[Drop]) -> None:
    assert len({int(name) for name in names}) == len(names.__members__)
    assert max(names) < COLUMNS


def test_the_histogram_ends_where_video_begins() -> None:
    assert Column.LEVEL_0 + LEVEL_BUCKETS == Column.VIDEO_SSRC_IN
    assert max(Column) < COLUMNS


def test_a_handle_names_its_row_and_is_never_used_twice() -> None:
    handles = {handle(serial, row) for serial in (1, 2, 3) for row in (1, 2, LEGS_MAX)}

    assert len(handles) == 9
    assert {row_of(each) for each in handles} == {COLUMNS, 2 * COLUMNS, LEGS_MAX * COLUMNS}


def test_every_live_session_has_room_for_two_legs() -> None:
    assert 2 * LIVE_SESSIONS_MAX < LEGS_MAX < ROWS
