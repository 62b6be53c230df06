"""What a client raises: the gateway said no, or the socket is gone.

Decides how a refusal looks to a caller: always the wire code, never only a
sentence. The codes themselves are the gateway's (docs/wire.md).
Never retries and never hides a refusal; that is the caller's.
"""

from collections.abc import Mapping


class ProblemAnswer(Exception):
    """A refusal, by socket (`problem`) or by HTTP (RFC 9457)."""

    def __init__(self, body: Mapping[str, object], *, status: int | None = None) -> None:
        self.code = str(body.get("code", "unknown"))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.status = status
        self.body = dict(body)
        super().__init__(f"{self.code}: {self.detail or self.title}")


class SocketLost(ConnectionError):
    """The signalling socket closed; `code` is the WebSocket close code."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"the socket closed with {code} {reason}".rstrip())


class NothingCame(TimeoutError):
    """What was waited for did not come in time; the sentence says what came instead."""
