"""The native relay's thread: before threads that compute when it wakes, without a larger share."""

import ctypes
import os
import platform
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.media.adapters.conftest import Call

pytestmark = pytest.mark.adapter

SLICE_NS = 100_000
GET, SET = {"x86_64": (315, 314), "aarch64": (275, 274)}[platform.machine()]
"""sched_getattr(2) and sched_setattr(2)."""
LAYOUT = struct.Struct("=IIQiIQQQ")
LIBC = ctypes.CDLL(None, use_errno=True)


def slice_of(thread: int) -> int:
    """The slice that was set for a thread, in nanoseconds; Linux before 6.12 has none and answers 0."""
    answer = ctypes.create_string_buffer(LAYOUT.size)
    assert LIBC.syscall(GET, thread, answer, LAYOUT.size, 0) == 0
    _size, _policy, _flags, _nice, _priority, runtime_ns, _deadline, _period = LAYOUT.unpack(answer.raw)
    return int(runtime_ns)


def what_this_kernel_keeps() -> int:
    """What a thread has that asked for SLICE_NS itself."""
    wish = ctypes.create_string_buffer(LAYOUT.pack(LAYOUT.size, 0, 0, 0, 0, SLICE_NS, 0, 0))
    assert LIBC.syscall(SET, 0, wish, 0) == 0
    return slice_of(0)


@pytest.mark.parametrize("call", ["native"], indirect=True)
async def test_the_thread_has_a_short_slice_and_no_larger_share(call: Call) -> None:
    await call.connect()

    (thread,) = [each for each in threading.enumerate() if each.name == "relay"]
    assert thread.native_id is not None
    with ThreadPoolExecutor(1) as another:
        assert slice_of(thread.native_id) == another.submit(what_this_kernel_keeps).result()
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id) == os.getpriority(os.PRIO_PROCESS, 0)
