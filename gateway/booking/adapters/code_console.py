"""One-time codes on the terminal, where no messaging service is set up.

Decides nothing. Writes to the terminal and not to the log, which never holds a
code or a whole number; a real sender has the same port.
Never used where people outside the machine sign in.
"""

import asyncio
import sys
from typing import TextIO

from gateway.booking.people.account import Locale


class ConsoleCodeSender:
    """Satisfies `CodeSender` of `people_ports.py`."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    async def send(self, phone: str, code: str, locale: Locale) -> None:
        """Print the code with the end of the number it is for."""
        words = "验证码" if locale is Locale.CHINESE else "sign-in code"
        line = f"{words} {code} (…{phone[-4:]})\n"
        await asyncio.to_thread(self._write, line)

    def _write(self, line: str) -> None:
        # Looked up here, not at import: standard output may be replaced.
        out = self._out if self._out is not None else sys.stdout
        out.write(line)
        out.flush()
