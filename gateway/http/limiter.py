"""The buckets of everybody who called lately.

Decides whose bucket a call comes out of: the account's, or the address's where
nobody is signed in; an IPv6 caller owns a /64, so the whole of it is one key.
Keeps: no more than `BUCKETS_MAX` buckets; full ones are forgotten first because
forgetting them changes nothing, then the least recently used.
The arithmetic is `rate_limit.py`; the headers are set by `server.py`.
"""

import ipaddress
from collections import OrderedDict

from gateway.clock import Clock
from gateway.http.rate_limit import RatePolicy, Taken, take

BUCKETS_MAX = 50_000
"""Buckets remembered at once; about 10 MB."""


class Limiter:
    """Token buckets by policy and caller."""

    def __init__(self, clock: Clock, *, buckets_max: int = BUCKETS_MAX) -> None:
        self._clock = clock
        self._buckets_max = buckets_max
        self._full_at_ns: OrderedDict[tuple[str, str], int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at_ns)

    def take(self, policy: RatePolicy, caller: str) -> Taken:
        """Take one call out of the caller's bucket."""
        now_ns = self._clock.monotonic_ns()
        key = (policy.name, caller)
        taken = take(policy, self._full_at_ns.get(key, 0), now_ns)
        self._full_at_ns[key] = taken.full_at_ns
        self._full_at_ns.move_to_end(key)
        if len(self._full_at_ns) > self._buckets_max:
            self._forget(now_ns)
        return taken

    def wait_s(self, policy: RatePolicy, caller: str) -> int:
        """Whole seconds until the caller's next call would pass, 0 = now; takes nothing."""
        full_at_ns = self._full_at_ns.get((policy.name, caller), 0)
        taken = take(policy, full_at_ns, self._clock.monotonic_ns())
        return 0 if taken.is_allowed else taken.wait_s

    def _forget(self, now_ns: int) -> None:
        for key in [key for key, full_at_ns in self._full_at_ns.items() if full_at_ns <= now_ns]:
            del self._full_at_ns[key]
        # A tenth at once, so that a flood of addresses pays for the sweep only now and then.
        while len(self._full_at_ns) > self._buckets_max * 9 // 10:
            self._full_at_ns.popitem(last=False)


def caller_of_address(address: str) -> str:
    """The key of an address: itself for IPv4, its /64 for IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
