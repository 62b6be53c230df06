"""What moves after a settlement: refunds, contested money, earnings that become available.

Decides that no session gives back more than it took, in the proportions in which it
took it and to the purses it came from, and that earnings mature once.
Never decides whether somebody deserves a refund, and never looks at money that
belongs to no session; meant.py does.
Keeps true: the sum of a session's refunds is at most its charge, purse by purse.
"""

from dataclasses import dataclass, field

from loadtest.auditor.books import Books
from loadtest.auditor.chart import Row
from loadtest.auditor.settlements import Settlement, Settlements
from loadtest.auditor.verdict import Verdict

_EARNERS = frozenset({"provider_pending", "provider_available", "dispute_reserve", "metering_write_off"})
_BACK = frozenset({"client_cash", "client_promo", "promo_cost", "refunds_due"})


@dataclass(slots=True, kw_only=True)
class After:
    """What happened to one session's money since its settlement."""

    from_share_micros: int = 0
    from_fee_micros: int = 0
    back_cash_micros: int = 0
    back_promo_micros: int = 0
    back_to: dict[str, int] = field(default_factory=dict)
    matured_micros: int = 0
    refunds: int = 0
    """Commands that gave something back."""


class Refunds:
    """Watches the books for what follows settlements."""

    def __init__(self, settlements: Settlements, verdict: Verdict, *, unit_micros: int = 10_000) -> None:
        self._settlements = settlements
        self._verdict = verdict
        self._unit_micros = unit_micros
        self.of: dict[str, After] = {}

    def watch(self, books: Books, command: tuple[str, str | None, str, int], rows: list[Row]) -> None:
        """Look at one command's rows."""
        if command[0] == "settle":
            return
        gave: set[str] = set()
        for row in rows:
            if row.kind != "posted":
                continue
            session = row.session or command[1]
            if session is None:
                continue
            debit, credit = books.accounts[row.debit].chart, books.accounts[row.credit].chart
            if credit in _BACK and (debit in _EARNERS or debit == "platform_fee"):
                self._give(session, row, debit, credit)
                expires = books.accounts[row.credit].expires_wall_ns
                if expires is not None and expires <= row.at_wall_ns:
                    self._complain("refund_to_expired", session, f"nothing to {row.credit}", row.micros)
                gave.add(session)
            elif (debit, credit) == ("provider_pending", "provider_available"):
                self._mature(session, row.micros)
        for session in gave:
            self._check(session)

    def _give(self, session: str, row: Row, debit: str, credit: str) -> None:
        after = self.of.setdefault(session, After())
        if debit == "platform_fee":
            after.from_fee_micros += row.micros
        else:
            after.from_share_micros += row.micros
        if credit in ("client_cash", "refunds_due"):
            after.back_cash_micros += row.micros
        else:
            after.back_promo_micros += row.micros
        after.back_to[row.credit] = after.back_to.get(row.credit, 0) + row.micros

    def _mature(self, session: str, micros: int) -> None:
        after = self.of.setdefault(session, After())
        after.matured_micros += micros
        settled = self._settlements.of.get(session)
        most = settled.earned_micros + settled.make_good_micros if settled else 0
        if after.matured_micros > most:
            self._verdict.double_posts += 1
            self._complain("matures_once", session, f"at most {most}", after.matured_micros)

    def _check(self, session: str) -> None:
        after = self.of[session]
        after.refunds += 1
        settled = self._settlements.of.get(session)
        if settled is None:
            self._complain("refund_of_nothing", session, "a settlement before it", "none")
            return
        pairs = (
            ("charge", after.back_cash_micros + after.back_promo_micros, settled.charge_micros),
            ("cash", after.back_cash_micros, settled.charge_micros - settled.promo_micros),
            ("promo", after.back_promo_micros, settled.promo_micros),
        )
        for what, back, most in pairs:
            if back > most:
                self._verdict.double_posts += 1
                self._complain("refund_within", session, f"at most {most} of {what}", back)
        for account, (share, fee) in settled.sources.items():
            if after.back_to.get(account, 0) > share + fee:
                self._complain(
                    "refund_to_source", session, f"{account} {share + fee}", after.back_to[account]
                )
        self._proportion(session, after, settled)

    def _proportion(self, session: str, after: After, settled: Settlement) -> None:
        """Each refund may be off by rounding; the fee leg takes what remains."""
        back = after.from_share_micros + after.from_fee_micros
        due = settled.earned_micros * back // max(1, settled.charge_micros)
        if abs(after.from_share_micros - due) > self._unit_micros * after.refunds:
            self._complain("refund_proportion", session, f"{due} from the provider", after.from_share_micros)

    def _complain(self, rule: str, session: str, expected: object, found: object) -> None:
        self._verdict.complain(rule, session=session, expected=expected, found=found)
