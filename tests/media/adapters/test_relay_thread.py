"""The native relay's thread: before others when it wakes, where the user may ask for that."""

import os
import subprocess
import sys
import threading

import pytest

from tests.media.adapters.conftest import Call

pytestmark = pytest.mark.adapter

NICENESS = -10


def may_go_first() -> bool:
    """Whether this user may make a process less nice than the others."""
    asked = f"import os; os.setpriority(os.PRIO_PROCESS, 0, {NICENESS})"
    return subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("call", ["native"], indirect=True)
async def test_the_thread_goes_before_the_interpreter_where_it_may(call: Call) -> None:
    await call.connect()

    (thread,) = [each for each in threading.enumerate() if each.name == "relay"]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert thread.native_id is not None
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id) == (NICENESS if may_go_first() else own)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
