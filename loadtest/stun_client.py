"""The client's half of ICE-lite: binding requests with USE-CANDIDATE, and consent.

Decides what a check looks like and whether an answer is authentic. A full agent
on the other end checks back, so requests are answered too.
Never gathers and never chooses; there is one path. RFC 8445 §2.5, RFC 7675.
"""

import secrets
from dataclasses import dataclass

from aioice import stun

PRIORITY = 2_130_706_431
"""Host candidate, component 1 (RFC 8445 §5.1.2)."""
CONSENT_S = 2.5
"""How often consent is asked for; Chromium's habit."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One agent's short-term credentials."""

    ufrag: str
    """Names the agent in USERNAME."""
    password: str
    """Keys MESSAGE-INTEGRITY."""

    @classmethod
    def fresh(cls) -> "Credentials":
        """Random ones (RFC 8445 §5.3)."""
        return cls(ufrag=secrets.token_hex(4), password=secrets.token_hex(16))


def check(mine: Credentials, theirs: Credentials) -> bytes:
    """One binding request that also nominates."""
    request = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        attributes={
            "USERNAME": f"{theirs.ufrag}:{mine.ufrag}",
            "PRIORITY": PRIORITY,
            "ICE-CONTROLLING": secrets.randbits(64),
            "USE-CANDIDATE": None,
        },
    )
    request.add_message_integrity(theirs.password.encode())
    return bytes(request)


def is_answer(datagram: bytes, theirs: Credentials) -> bool:
    """Whether this is an authentic success response of the other agent."""
    try:
        message = stun.parse_message(datagram)
    except ValueError:
        return False
    return message.message_class is stun.Class.RESPONSE and message.check_message_integrity(
        theirs.password.encode()
    )


def answer(datagram: bytes, source: Address, mine: Credentials) -> bytes | None:
    """The response to an authentic request; None for anything else."""
    try:
        request = stun.parse_message(datagram)
    except ValueError:
        return None
    key = mine.password.encode()
    if request.message_class is not stun.Class.REQUEST or not request.check_message_integrity(key):
        return None
    response = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.RESPONSE,
        transaction_id=request.transaction_id,
        attributes={"XOR-MAPPED-ADDRESS": source},
    )
    response.add_message_integrity(key)
    return bytes(response)
