"""Where a leg's packets go: the address that its last authenticated check came from.

Decides whether a check moves the path. A check that nominates moves it, and so
does a check of a newer credential (ICE restart). Without nomination an address
never seen before (roaming) takes over from a path that is not being checked at
this very moment, any other from a path that has shown no check for long.
A copied check (same transaction id, another address) moves nothing.
Authentication itself is the adapter's, and comes first.
Keeps: what is remembered is bounded. See RFC 8445 section 7.3 and docs/media.md.
"""

from collections import OrderedDict, deque

from gateway.clock import NS

Address = tuple[str | int, ...]
"""What the socket says a datagram came from: host and port, for IPv6 flow and scope too."""

SEEN_MAX = 8
"""Addresses remembered for one leg; a phone has two or three."""
TRANSACTIONS_MAX = 32
"""Transaction ids remembered for one leg, about a minute of checks."""
SETTLING_NS = NS // 2
"""While the present path was checked that recently, others are only candidates: apps try several at once."""
STALE_NS = 6 * NS
"""A path without a check for longer than the slowest client's check interval may be left."""


def family(address: Address) -> str:
    """`ipv4` or `ipv6`: all that leaves this package of an address."""
    host = str(address[0])
    return "ipv6" if ":" in host and not host.startswith("::ffff:") else "ipv4"


class Path:
    """The path of one leg."""

    __slots__ = ("_checked_at_ns", "_generation", "_seen", "_transactions", "address")

    def __init__(self) -> None:
        self.address: Address | None = None
        """Where packets go; None before the first authenticated check."""
        self._generation = 0
        self._checked_at_ns = 0
        self._seen: OrderedDict[Address, None] = OrderedDict()
        self._transactions: deque[bytes] = deque(maxlen=TRANSACTIONS_MAX)

    def check(
        self, address: Address, *, transaction: bytes, nominates: bool, generation: int, now_ns: int
    ) -> bool:
        """Take note of an authenticated check; True where the path moved to its address.

        Args:
            address: where it came from.
            transaction: its STUN transaction id.
            nominates: whether it carried USE-CANDIDATE.
            generation: number of the credential it used; an ICE restart makes the next.
            now_ns: when it came.
        """
        is_copy = transaction in self._transactions
        self._transactions.append(transaction)
        if address == self.address:
            if not is_copy:
                self._checked_at_ns = now_ns
                self._generation = max(self._generation, generation)
            return False
        if is_copy or generation < self._generation:
            return False
        silence_ns = now_ns - self._checked_at_ns
        moves = (
            self.address is None
            or nominates
            or generation > self._generation
            or silence_ns > (STALE_NS if address in self._seen else SETTLING_NS)
        )
        self._seen[address] = None
        self._seen.move_to_end(address)
        if len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        if moves:
            self.address = address
            self._generation = generation
            self._checked_at_ns = now_ns
        return moves
