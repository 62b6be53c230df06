"""Whether each hold and each settlement moved what the page says, and from which purse.

Decides, command by command: order of the purses, one settlement for each session,
every hold of it voided, fee and share summing to the charge, the charge within what
was held, and no hold after it.
Never decides what the session had to cost; receipts.py compares the charge with C(n).
Keeps true: promotional money goes first, the grant that expires earliest before others.
"""

import json
from dataclasses import dataclass

from loadtest.auditor.books import Books
from loadtest.auditor.chart import WALLET, Row
from loadtest.auditor.verdict import Verdict

_LATER = 1 << 63
_SHARE = frozenset({"provider_pending", "platform_fee"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one settlement moved, by its rows."""

    session: str
    held_micros: int
    """Set aside when it began."""
    charge_micros: int
    promo_micros: int
    fee_micros: int
    earned_micros: int
    make_good_micros: int
    """From the write-off account to the provider."""
    sources: dict[str, tuple[int, int]]
    """(to the provider, to the platform) of each client account."""


class Settlements:
    """Watches the books for holds and settlements."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.of: dict[str, Settlement] = {}
        self.holds_placed: dict[str, list[int]] = {}
        """What each hold of a session set aside, in order."""
        self.fresh: list[str] = []
        """Sessions settled since somebody last emptied this."""

    def watch(self, books: Books, command: tuple[str, str | None, str, int], rows: list[Row]) -> None:
        """Look at one command's rows."""
        name, session, answer, at_wall_ns = command
        if name == "settle":
            self._settle(books, str(session), json.loads(answer), rows)
        elif any(row.flow == "hold" for row in rows):
            self._hold(books, str(session), json.loads(answer), rows, at_wall_ns)

    def _hold(
        self, books: Books, session: str, answer: dict[str, int], rows: list[Row], at_wall_ns: int
    ) -> None:
        placed = sum(row.micros for row in rows if row.kind == "pending")
        self.holds_placed.setdefault(session, []).append(placed)
        if answer.get("placed_micros", placed) != placed:
            self._complain("hold_answer", session, answer.get("placed_micros"), placed)
        if session in self.of:
            self._complain("hold_after_settlement", session, "nothing set aside once settled", placed)
        owners = {books.accounts[row.debit].owner for row in rows}
        if len(owners) != 1:
            self._complain("one_wallet", session, "one wallet", sorted(map(str, owners)))
            return
        used = {row.debit: row.micros for row in rows}
        for name in used:
            expires = books.accounts[name].expires_wall_ns
            if expires is not None and expires <= at_wall_ns:
                self._complain("expired_grant", session, f"nothing of {name} after {expires}", at_wall_ns)
        self._purse_order(books, session, used, {}, at_wall_ns)

    def _settle(self, books: Books, session: str, answer: dict[str, int], rows: list[Row]) -> None:
        if session in self.of:
            self._verdict.double_posts += 1
            self._complain("settled_once", session, "one settlement", "a second one")
        voids = [row for row in rows if row.kind == "void"]
        held = sum(row.micros for row in voids)
        charts = {name: books.accounts[name].chart for row in rows for name in (row.debit, row.credit)}
        legs = [row for row in rows if row.kind == "posted" and charts[row.debit] in WALLET]
        for row in legs:
            if charts[row.credit] not in _SHARE:
                self._complain("settlement_leg", session, "to provider or platform", charts[row.credit])
        earned = sum(row.micros for row in legs if charts[row.credit] == "provider_pending")
        charge = sum(row.micros for row in legs)
        promo = sum(row.micros for row in legs if charts[row.debit] == "client_promo")
        sources: dict[str, tuple[int, int]] = {}
        for row in legs:
            share, fee = sources.get(row.debit, (0, 0))
            is_fee = charts[row.credit] == "platform_fee"
            sources[row.debit] = (share + row.micros * (not is_fee), fee + row.micros * is_fee)
        good = sum(row.micros for row in rows if charts[row.debit] == "metering_write_off")
        self.of[session] = Settlement(
            session=session,
            held_micros=held,
            charge_micros=charge,
            promo_micros=promo,
            fee_micros=charge - earned,
            earned_micros=earned,
            make_good_micros=good,
            sources=sources,
        )
        self.fresh.append(session)
        self._check(books, self.of[session], answer, voids)
        used = {name: sum(parts) for name, parts in sources.items()}
        own = {row.debit: 0 for row in voids}
        for row in voids:
            own[row.debit] += row.micros
        self._purse_order(books, session, used, own, rows[0].at_wall_ns)

    def _check(self, books: Books, settled: Settlement, answer: dict[str, int], voids: list[Row]) -> None:
        session = settled.session
        if books.holds_of.get(session):
            self._complain("settlement_voids_all", session, "every hold voided", books.held(session))
        if any(row.session != session for row in voids):
            self._complain("foreign_hold", session, "its own holds only", "another session's")
        if settled.charge_micros > settled.held_micros:
            self._complain("charge_within_holds", session, settled.held_micros, settled.charge_micros)
        mine = {
            "charge_micros": settled.charge_micros,
            "promo_micros": settled.promo_micros,
            "cash_micros": settled.charge_micros - settled.promo_micros,
            "fee_micros": settled.fee_micros,
            "earned_micros": settled.earned_micros,
        }
        theirs = {key: answer.get(key) for key in mine}
        if theirs != mine:
            self._complain("settlement_answer", session, mine, theirs)

    def _purse_order(
        self, books: Books, session: str, used: dict[str, int], own: dict[str, int], at_wall_ns: int
    ) -> None:
        """A purse is used only when those before it are empty, or used as far as this session held them."""
        if not used:
            return
        owner = books.accounts[next(iter(used))].owner
        ranked = sorted((_rank(books, name), name) for name in books.wallets.get(str(owner), ()))
        last = max(_rank(books, name) for name in used)
        for rank, name in ranked:
            if rank >= last:
                break
            expires = books.accounts[name].expires_wall_ns
            is_spent = books.available(name) == 0 or (own and used.get(name, 0) >= own.get(name, 0))
            if not is_spent and (expires is None or expires > at_wall_ns):
                self._complain("promo_first", session, f"{name} used up first", books.available(name))

    def _complain(self, rule: str, session: str, expected: object, found: object) -> None:
        self._verdict.complain(rule, session=session, expected=expected, found=found)


def _rank(books: Books, name: str) -> tuple[int, int]:
    account = books.accounts[name]
    expires = account.expires_wall_ns
    return (int(account.chart == "client_cash"), _LATER if expires is None else expires)
