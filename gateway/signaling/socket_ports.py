"""What the services need of a socket and of the event loop's timers.

Declares shapes only; `adapters/socket_connection.py` and `adapters/loop_timer.py`
fill them, tests have their own.
"""

from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Protocol

from gateway.signaling.notice import Notice
from gateway.terms import Principal


class CloseCode(IntEnum):
    """Why the gateway closes a socket (RFC 6455 §7.4; 4000–4999 are the application's)."""

    GOING_AWAY = 1001
    """The gateway shuts down; come back."""
    INTERNAL = 1011
    """A message could not be written: a bug, on record."""
    UNAUTHENTICATED = 4401
    """Not signed in in time, refused, or the token has expired."""
    TOO_SLOW = 4408
    """Reads too slowly, or was silent for too long; may resume."""
    REPLACED = 4409
    """The same app came back on another socket, or the account has too many."""
    TOO_LARGE = 4413
    """A message beyond the limit."""
    FLOOD = 4429
    """Messages faster than the limit."""


class Connection(Protocol):
    """One signed-in socket."""

    @property
    def id(self) -> str:
        """Unique in this process."""
        ...

    @property
    def principal(self) -> Principal:
        """Who is signed in on it."""
        ...

    def send(self, notice: Notice) -> None:
        """Queue a message; a socket whose queue is full closes itself instead."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Close soon; never blocks, may be repeated."""
        ...


class Alarm(Protocol):
    """Something that will happen unless cancelled."""

    def cancel(self) -> None:
        """Let it not happen; harmless when it has."""
        ...


class Timer(Protocol):
    """The event loop's clock, or a test's."""

    def after(self, delay_ns: int, action: Callable[[], Awaitable[None]]) -> Alarm:
        """Run `action` once in `delay_ns`; what it raises is logged."""
        ...

    def spawn(self, action: Callable[[], Awaitable[None]]) -> None:
        """Run `action` now, beside the caller; what it raises is logged."""
        ...
