"""Looking at the books again and again.

Decides when: every ten seconds, or less often where a look has become so long
that it would take more than a twentieth of the time. Keeps the last result.
Never repairs. On a breach it bars the wallets concerned from new holds, counts,
and writes an error to the log, which is what an operator's alarm listens to.
See docs/metering.md, "Ledger": value, age of last check, violations.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.booking.ledger.invariant import Finding, is_sound
from gateway.clock import NS, Clock
from gateway.errors import GatewayError
from gateway.ids import AccountId

_log = structlog.get_logger()

AUDIT_EVERY_S = 10
"""Seconds between two looks."""
AUDIT_SHARE_MAX = 20
"""A look may take one in that many seconds; beyond it the pauses grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The last look at the books."""

    at_wall_ns: int
    at_ns: int
    """Monotonic instant, for its age."""
    took_ns: int
    findings: Sequence[Finding]

    @property
    def is_sound(self) -> bool:
        """Whether every invariant held."""
        return is_sound(self.findings)


class Auditable(Protocol):
    """The wallet, as the monitor sees it."""

    async def audit(self) -> list[Finding]:
        """Look at every invariant."""
        ...

    async def bar(self, accounts: Sequence[AccountId], *, why: str) -> None:
        """Set nothing more aside from those wallets."""
        ...


class InvariantMonitor:
    """Audits in the background; `last` is what the operator sees."""

    def __init__(self, books: Auditable, *, clock: Clock, every_s: float = AUDIT_EVERY_S) -> None:
        self._books = books
        self._clock = clock
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._counts = {"audits": 0, "audits_failed": 0, "audits_breached": 0}
        self.last: AuditReport | None = None

    def start(self) -> None:
        """Look now and go on until `close`."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="invariant-monitor")

    async def close(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def check(self) -> AuditReport:
        """Look once, now.

        Raises:
            StoreDown: the books cannot be read; `last` stays as it was and ages.
        """
        async with self._looking:
            began_ns = self._clock.monotonic_ns()
            findings = await self._books.audit()
            at_ns = self._clock.monotonic_ns()
            report = AuditReport(
                at_wall_ns=self._clock.wall_ns(), at_ns=at_ns, took_ns=at_ns - began_ns, findings=findings
            )
            self.last = report
            self._counts["audits"] += 1
            if not report.is_sound:
                await self._alarm(findings)
            return report

    def age_ns(self) -> int | None:
        """How old the last look is; None before the first."""
        return None if self.last is None else self._clock.monotonic_ns() - self.last.at_ns

    def stats(self) -> Mapping[str, int]:
        """Looks, looks that failed, looks that found a breach."""
        return dict(self._counts)

    async def _alarm(self, findings: Sequence[Finding]) -> None:
        self._counts["audits_breached"] += 1
        for finding in findings:
            if finding.ok:
                continue
            _log.error(
                "invariant_broken",
                invariant=finding.name,
                value=finding.value,
                violations=list(finding.violations),
            )
            if finding.owners:
                await self._books.bar(finding.owners, why=finding.name)

    async def _run(self) -> None:
        while True:
            took_ns = 0
            try:
                took_ns = (await self.check()).took_ns
            except GatewayError as error:
                self._counts["audits_failed"] += 1
                _log.error("audit_failed", code=error.wire_code, detail=error.detail)
            except Exception:
                # A fault of the audit must not end the audits; the age on the ops page shows it.
                self._counts["audits_failed"] += 1
                _log.exception("audit_failed")
            await asyncio.sleep(max(self._every_s, took_ns * AUDIT_SHARE_MAX / NS))
