"""The spool on a real file: whole frames in order, torn ones left out."""

from pathlib import Path

import pytest

from gateway.errors import StoreDown
from gateway.ids import SessionId
from gateway.metering.adapters.spool_file import SpoolFile
from gateway.metering.owner_ports import RowKey, SpooledRow

pytestmark = pytest.mark.adapter


def row(number: int) -> SpooledRow:
    return SpooledRow(
        key=RowKey(owner=3, number=number, lease_ends_wall_ns=10**18),
        second=number,
        entries=((SessionId("ses_1"), bytes([number])), (SessionId("ses_2"), b"x" * number)),
    )


async def test_rows_come_back_in_order_also_to_the_next_process(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path / "evidence.spool")
    for number in (1, 2, 3):
        await spool.append(row(number))

    assert await spool.waiting() == [row(1), row(2), row(3)]
    assert await SpoolFile(tmp_path / "evidence.spool").waiting() == [row(1), row(2), row(3)]


async def test_a_spool_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert await SpoolFile(tmp_path / "evidence.spool").waiting() == []


async def test_a_torn_tail_is_left_out_wherever_it_is_torn_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "evidence.spool"
    await SpoolFile(path).append(row(1))
    whole = path.stat().st_size
    await SpoolFile(path).append(row(2))
    both = path.read_bytes()

    for length in range(whole, len(both)):
        path.write_bytes(both[:length])
        spool = SpoolFile(path)
        assert await spool.waiting() == [row(1)]
        await spool.append(row(3))
        assert await spool.waiting() == [row(1), row(3)]


async def test_a_changed_byte_ends_what_can_be_trusted(tmp_path: Path) -> None:
    path = tmp_path / "evidence.spool"
    for number in (1, 2):
        await SpoolFile(path).append(row(number))
    held = bytearray(path.read_bytes())
    held[-1] ^= 1
    path.write_bytes(held)

    assert await SpoolFile(path).waiting() == [row(1)]


async def test_a_cleared_spool_is_empty_and_goes_on(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path / "evidence.spool")
    await spool.append(row(1))
    await spool.clear()
    assert await spool.waiting() == []
    await spool.append(row(2))

    assert await spool.waiting() == [row(2)]


async def test_a_disk_that_cannot_be_written_is_store_down(tmp_path: Path) -> None:
    with pytest.raises(StoreDown):
        await SpoolFile(tmp_path / "missing" / "evidence.spool").append(row(1))
