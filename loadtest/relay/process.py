"""What a server's process used, read from outside, the same way for every server.

Decides nothing but where the figures are: processor time of all its threads from
its own clock, memory from /proc, and what the machine's host took from one core.
"""

import os
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CPUCLOCK_SCHED = 2


def cpu_ns(pid: int) -> int:
    """Processor time of a process, all threads (clock_getcpuclockid(3), which Python does not offer)."""
    return time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED)


def rss_kb(pid: int) -> int:
    """Resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def stolen_s(core: int) -> float:
    """Processor seconds that the machine's host took from this core so far (`steal` of /proc/stat)."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            return int(line.split()[8]) / TICKS_PER_S
    return 0.0
