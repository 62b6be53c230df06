"""Connectivity checks as an ICE-lite agent answers them (RFC 8445, RFC 8489), by aioice.

Decides what a datagram says and whether it is authentic, in that order of cost.
What an authentic check means for the leg is `path.py`'s.
Keeps: an unauthentic check is never answered, not even with an error, so nobody
learns which fragments exist and nobody is flooded through the gateway.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

from aioice import stun

from gateway.media.path import Address

MESSAGE_BYTES_MAX = 1_280
"""A check has about a hundred bytes."""
_REQUEST = b"\x00\x01"
_COOKIE = stun.COOKIE.to_bytes(4, "big")


class StunDrop(StrEnum):
    """Why a check was not answered."""

    NOT_A_REQUEST = "stun_not_a_request"
    """An indication, an answer, or another method: nothing an ICE-lite agent acts on."""
    MALFORMED = "stun_malformed"
    UNKNOWN_UFRAG = "stun_unknown_ufrag"
    """No leg has that pair of fragments."""
    NO_INTEGRITY = "stun_no_integrity"
    BAD_INTEGRITY = "stun_bad_integrity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A binding request that could be read; not yet authentic."""

    message: stun.Message
    ufrag: str
    """The gateway's fragment, which names the leg."""
    far_ufrag: str
    """The app's fragment."""

    @property
    def transaction(self) -> bytes:
        """Its transaction id."""
        return self.message.transaction_id

    @property
    def nominates(self) -> bool:
        """Whether the app has chosen this pair."""
        return "USE-CANDIDATE" in self.message.attributes


def read_check(data: bytes) -> Check | StunDrop:
    """Read a binding request."""
    if len(data) < stun.HEADER_LENGTH or data[4:8] != _COOKIE or len(data) > MESSAGE_BYTES_MAX:
        return StunDrop.MALFORMED
    if data[:2] != _REQUEST:
        return StunDrop.NOT_A_REQUEST
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error, IndexError):
        return StunDrop.MALFORMED
    if "MESSAGE-INTEGRITY" not in message.attributes:
        return StunDrop.NO_INTEGRITY
    ufrag, colon, far_ufrag = str(message.attributes.get("USERNAME", "")).partition(":")
    if not colon:
        return StunDrop.MALFORMED
    return Check(message=message, ufrag=ufrag, far_ufrag=far_ufrag)


def is_authentic(check: Check, pwd: str) -> bool:
    """Whether the check was made by somebody who knows the leg's password; constant time."""
    return check.message.check_message_integrity(pwd.encode())


def success(check: Check, pwd: str, address: Address) -> bytes:
    """The answer to an authentic check: where it came from, signed."""
    host, port = str(address[0]).removeprefix("::ffff:"), int(address[1])
    answer = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.RESPONSE,
        transaction_id=check.transaction,
        attributes={"XOR-MAPPED-ADDRESS": (host, port)},
    )
    answer.add_message_integrity(pwd.encode())
    return bytes(answer)
