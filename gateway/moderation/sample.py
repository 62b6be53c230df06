"""What is judged: one line of text, with what a moderator is shown of it.

Decides what belongs to a sample and how it is named without being quoted: by a
keyed digest, so that the same line is recognised and nobody who reads the
verdict table can guess a short line by trying them all.
Never judges (hooks) and never stores (adapters/verdict_store.py keeps digests).
"""

import hashlib
import hmac
from dataclasses import dataclass

from gateway.ids import SessionId
from gateway.moderation.view import is_invisible
from gateway.terms import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSample:
    """One chat line before it is delivered."""

    id: str
    """`smp_…`."""
    session: SessionId
    side: Side
    """Who wrote it."""
    text: str
    """As it was written."""
    at_ns: int
    """Monotonic instant of its arrival."""

    def shown(self) -> str:
        """What a moderator sees: who wrote it, and the line with invisible characters spelt out."""
        letters = (
            f"\u27e8U+{ord(letter):04X}\u27e9" if is_invisible(letter) else letter for letter in self.text
        )
        return f"{self.side}: {''.join(letters)}"

    def digest(self, key: bytes) -> str:
        """HMAC-SHA256 of the text under the gateway's key, lower-case hexadecimal (RFC 2104)."""
        return hmac.new(key, self.text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
