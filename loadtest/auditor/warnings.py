"""Whether people were warned of the end at the right second, once, and of the right end.

Decides the difference between every warning and the time that was really left, whether
a threshold was told twice, and whether a session was cut exactly at its limit.
Never computes time left (countdown.py) or seconds (bounds.py, receipts.py).
Keeps true: a warning is judged by the wallet as it was when it was sent; where seconds
were still provisional, or money was just moving, every reading of that moment is allowed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from loadtest.auditor.books import Books
from loadtest.auditor.bounds import ACK_GAP_NS, SECOND_NS
from loadtest.auditor.chart import WALLET, Row
from loadtest.auditor.countdown import FAR_S, Going, limits_left, money_left
from loadtest.auditor.entries import (
    ACCEPTED,
    BILLED,
    FREE,
    PAUSED,
    RESTART,
    START,
    STOP,
    UNWITNESSED,
    Anchor,
    Slot,
)
from loadtest.auditor.receipts import Paper, usage_of
from loadtest.auditor.truth import WarningShown
from loadtest.auditor.undone import consents, stops
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.windows import changes
from loadtest.auditor.world import Life, World

THRESHOLDS_S = (10, 30, 60, 120)
OFF_S_MAX = 1
BY_CLOCK = 6
"""How a slot says that it is paused because the wall clock was set."""
JUST_NS = 2 * SECOND_NS
"""Money that moved so shortly before a warning may or may not be in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A client's money at one moment."""

    spendable_micros: int
    held_micros: Mapping[str, int]
    """By session."""
    grants: Sequence[tuple[int, int]] = ()
    """When each grant expires by the wall clock, and what of it can be spent until then."""
    at_wall_ns: int = 0

    def later(self, wall_ns: int) -> "Wallet":
        """The same at another instant, if nothing moves meanwhile: what has expired by then cannot be spent."""
        gone = sum(micros for expires, micros in self.grants if self.at_wall_ns < expires <= wall_ns)
        return replace(
            self,
            spendable_micros=self.spendable_micros - gone,
            at_wall_ns=max(self.at_wall_ns, wall_ns),
        )


@dataclass(slots=True, kw_only=True)
class Shown:
    """A warning with the wallets it may have been computed from."""

    event: WarningShown
    wallets: list[Wallet]


@dataclass(slots=True)
class Warnings:
    """Notes warnings and wallets as they come, and judges at the end."""

    world: World
    verdict: Verdict
    now_ns: int = 0
    shown: dict[str, list[Shown]] = field(default_factory=dict)
    moves: dict[str, list[tuple[int, Wallet, str | None]]] = field(default_factory=dict)
    """By owner: when something moved, the wallet before it, and for which session."""
    wallets: dict[str, Wallet] = field(default_factory=dict)

    def watch(self, books: Books, command: tuple[str, str | None, str, int], rows: list[Row]) -> None:
        """A command moved money."""
        owners = {
            books.accounts[name].owner
            for row in rows
            for name in (row.debit, row.credit)
            if books.accounts[name].chart in WALLET
        }
        for owner in owners:
            if owner is None:
                continue
            before = self.wallets.get(owner, Wallet(spendable_micros=0, held_micros={}))
            self.moves.setdefault(owner, []).append((self.now_ns, before, command[1]))
            held = dict(before.held_micros)
            if command[1] is not None:
                held[command[1]] = books.held(command[1])
            wall_ns = self.world.wall_ns(self.now_ns)
            self.wallets[owner] = Wallet(
                spendable_micros=books.spendable(owner, now_wall_ns=wall_ns),
                held_micros=held,
                grants=books.expiring(owner),
                at_wall_ns=wall_ns,
            )

    def hear(self, event: WarningShown) -> None:
        """An app was warned."""
        life = self.world.lives.get(event.session)
        if life is None or life.asked is None:
            return
        owner = life.asked.client
        wallets = [self.wallets[owner]] if owner in self.wallets else []
        moves = self.moves.get(owner, [])
        for at_ns, before, _ in reversed(moves):
            # Of commands that were committed together nobody says whose answer is heard last.
            if at_ns < event.at_ns - JUST_NS and at_ns != moves[-1][0]:
                break
            wallets += [before, replace(self.wallets[owner], spendable_micros=before.spendable_micros)]
        self.shown.setdefault(event.session, []).append(Shown(event=event, wallets=wallets))

    def judge(self, papers: Mapping[str, Paper]) -> None:
        """Look at every warning of every session."""
        for session, shown in self.shown.items():
            life, paper = self.world.lives[session], papers.get(session)
            if paper is None:
                continue
            seen: dict[tuple[int, int, str], float] = {}
            for each in shown:
                key = (_told_at(paper, each.event), each.event.seconds_left, each.event.reason)
                if key not in seen:
                    seen[key] = self._off(each, life, papers)
                    self._note(each, life, seen[key])
            self._twice(session, life, papers, shown)

    def _note(self, shown: Shown, life: Life, off_s: float) -> None:
        self.verdict.warnings += 1
        self.verdict.warning_off_s_max = max(self.verdict.warning_off_s_max, off_s)
        if off_s > OFF_S_MAX:
            event = shown.event
            self.verdict.complain(
                "warning", session=life.session, at_ns=event.at_ns, expected=f"{event.seconds_left} s left of"
                f" {event.reason}, as told", found=f"{off_s} s off",
            )  # fmt: skip

    def _off(self, shown: Shown, life: Life, papers: Mapping[str, Paper]) -> float:
        """The least difference over all readings of the moment; every one of the siblings' only where it matters."""
        shown_ns = shown.event.at_ns
        if any(abs(shown_ns - at_ns) <= ACK_GAP_NS for at_ns in self.world.turns):
            return 0.0
        if any(begin <= shown_ns <= end + SECOND_NS for begin, end in self.world.stalls):
            # What was worked out before the process stood still goes out when it runs again.
            return 0.0
        if shown_ns - _told_at(papers[life.session], shown.event) > SECOND_NS:
            # It came with a second that no disk had when its process lost the session.
            return 0.0
        off_s = self._least_off(shown, life, papers, is_exact=False)
        return off_s if off_s <= OFF_S_MAX else self._least_off(shown, life, papers, is_exact=True)

    def _least_off(self, shown: Shown, life: Life, papers: Mapping[str, Paper], *, is_exact: bool) -> float:
        event, paper = shown.event, papers[life.session]
        at_ns = _told_at(paper, event)
        best = float(FAR_S)
        own = readings(paper, life, self.world, at_ns, is_exact=True)
        agreed = _agreed(life, self.world, paper.anchors, at_ns)
        for wallet in shown.wallets:
            siblings = [
                sibling_readings(
                    papers.get(other),
                    self.world.lives[other],
                    self.world,
                    event.at_ns,
                    held,
                    is_exact=is_exact,
                )
                for other, held in wallet.held_micros.items()
                if other != life.session and held and other in self.world.lives
            ]
            free = wallet.spendable_micros + wallet.held_micros.get(life.session, 0)
            alone = max(0, wallet.spendable_micros) + wallet.held_micros.get(life.session, 0)
            for mine, rest in product(own, product(*siblings)):
                going = [each for each, _ in rest if each is not None]
                low, high = _left(mine, going, agreed, free + sum(held for _, held in rest))
                # What is set aside for one session serves no other.
                used_up, paid = money_left([mine], micros=alone - mine.cost_in(0))
                low, high = min(low, used_up), min(high, paid)
                best = min(best, max(0, low - event.seconds_left, event.seconds_left - high))
                if not best:
                    return best
        return best

    def _twice(self, session: str, life: Life, papers: Mapping[str, Paper], shown: Sequence[Shown]) -> None:
        """The same threshold to the same app, and nothing in between that could have armed it again."""
        assert life.asked is not None
        turned = self._siblings_turned(life, papers)
        last: dict[tuple[str, int], WarningShown] = {}
        for event in sorted((each.event for each in shown), key=lambda event: event.at_ns):
            threshold = next((limit for limit in THRESHOLDS_S if event.seconds_left <= limit), 0)
            before = last.get((event.side, threshold))
            last[event.side, threshold] = event
            if before is None or event.at_ns - before.at_ns < SECOND_NS:
                continue
            span = (before.at_ns - JUST_NS, event.at_ns)
            moved = any(
                span[0] <= at_ns <= span[1] and cause != session
                for at_ns, _, cause in self.moves.get(life.asked.client, ())
            )
            eased = any(
                slot.finding not in (BILLED, FREE)
                for slot in papers[session].slots
                if span[0] - ACK_GAP_NS <= slot.end_ns <= span[1]
            )
            agreed = any(span[0] <= at_ns <= span[1] for at_ns, _ in life.consents)
            restarted = any(span[0] - ACK_GAP_NS <= at_ns <= span[1] for at_ns in self.world.turns)
            joined = any(span[0] - JUST_NS <= at_ns <= span[1] for at_ns in turned)
            if not (moved or eased or agreed or restarted or joined):
                self.verdict.complain(
                    "warned_once", session=session, at_ns=event.at_ns, expected=f"{threshold} s told once to {event.side}",
                    found=f"{before.seconds_left} s and again {event.seconds_left} s",
                )  # fmt: skip

    def _siblings_turned(self, life: Life, papers: Mapping[str, Paper]) -> list[int]:
        """When another session of the same wallet began or stopped to spend."""
        assert life.asked is not None
        siblings = [
            other
            for other in self.world.lives.values()
            if other.asked is not None and other.asked.client == life.asked.client and other is not life
        ]
        found = [at_ns for other in siblings for at_ns, _ in other.stops]
        for other in siblings:
            if paper := papers.get(other.session):
                found += [each.at_ns for each in paper.anchors if each.kind in (START, RESTART, STOP)]
        return found


def _told_at(paper: Paper, event: WarningShown) -> int:
    """The end of the second that a warning came with."""
    return max((slot.end_ns for slot in paper.slots if slot.end_ns <= event.at_ns), default=event.at_ns)


def readings(paper: Paper, life: Life, world: World, at_ns: int, *, is_exact: bool = False) -> list[Going]:
    """The session as it stood, with its provisional seconds counted and not; `is_exact`: or some of them."""
    past = [slot for slot in paper.slots if slot.end_ns <= at_ns]
    sure = [slot for slot in past if slot.finding in (BILLED, FREE)]
    maybe = [
        slot
        for slot in past
        if slot.finding in (BILLED, FREE)
        or (slot.finding == UNWITNESSED and slot.end_ns > at_ns - ACK_GAP_NS - 2 * SECOND_NS)
        # That somebody set the wall clock is noticed a moment later.
        or (slot.suspended == BY_CLOCK and slot.end_ns > at_ns - SECOND_NS)
    ]
    begun = [anchor.at_ns for anchor in paper.anchors if anchor.kind == START and anchor.at_ns <= at_ns]
    last_ns = max([*begun, *(slot.end_ns for slot in past)], default=at_ns)
    coming = ahead(life, world, paper.anchors, last_ns)
    ends = own_limits(paper, life, world, at_ns)
    if any(slot.finding == PAUSED for slot in paper.slots if at_ns < slot.end_ns <= at_ns + JUST_NS):
        ends["paused"] = (0, FAR_S)
    if any(each_ns <= at_ns for each_ns, _ in stops(life, world, paper.anchors)):
        ends["over"] = (0, 0)
    found = []
    for slots in _waiting(sure, maybe) if is_exact else (sure, maybe):
        runs, messages = usage_of([slot._replace(finding=BILLED) for slot in slots])
        found += [
            Going(terms=life.terms, runs=runs, messages=messages + more, ahead=coming, ends_in_s=each)
            for each in sorted({_nearest(ends, 0), _nearest(ends, 1)})
            for more in range(1 + _lines_waiting(life, sure, at_ns))
        ]
    return found


def _lines_waiting(life: Life, sure: Sequence[Slot], at_ns: int) -> int:
    """Lines by then that are in no second found so far."""
    if life.terms.get("kind") != "per_message":
        return 0
    since_ns = max((slot.end_ns for slot in sure), default=0)
    return sum(since_ns < each_ns <= at_ns for each_ns, _ in life.lines)


def _waiting(sure: Sequence[Slot], maybe: Sequence[Slot]) -> list[list[Slot]]:
    """None, all, or the newest few of the seconds that may have waited for their far bracket were counted."""
    counted = {slot.tick for slot in sure}
    extra = [slot for slot in maybe if slot.tick not in counted]
    lengths = sorted({0, len(extra)}) + list(range(1, len(extra)))
    return [[*sure, *extra[len(extra) - length :]] for length in lengths]


def ahead(life: Life, world: World, anchors: Sequence[Anchor], from_ns: int) -> list[tuple[int, int]]:
    """Changes of price to come; the hours were tied to the monotonic clock at acceptance or at a restart.

    A second belongs to the period in force when it begins: the first one after a change is a whole second.
    """
    if not life.terms.get("windows"):
        return [(0, 0)]
    ties = [each for each in anchors if each.kind in (ACCEPTED, RESTART) and each.at_ns <= from_ns]
    wall_ns = from_ns + ties[-1].wall_ns - ties[-1].at_ns if ties else world.wall_ns(from_ns)
    until_ns = wall_ns + FAR_S * SECOND_NS
    return [
        (-((wall_ns - at_ns) // SECOND_NS), period)
        for at_ns, period in changes(life.terms, from_wall_ns=wall_ns, until_wall_ns=until_ns)
    ]


def _nearest(ends: Mapping[str, tuple[int, int]], which: int) -> int:
    return min((each[which] for each in ends.values()), default=FAR_S)


def own_limits(paper: Paper, life: Life, world: World, at_ns: int) -> dict[str, tuple[int, int]]:
    """Seconds until the booked slot's end and the hard maximum, at least and at most.

    The page does not say whether the time a restart took counts towards the maximum.
    """
    assert life.asked is not None
    found: dict[str, tuple[int, int]] = {}
    if life.asked.slot_ends_wall_ns is not None:
        left = max(0, (life.asked.slot_ends_wall_ns - world.wall_ns(at_ns)) // SECOND_NS)
        found["slot_end"] = (left, left)
    starts = [anchor.at_ns for anchor in paper.anchors if anchor.kind in (START, RESTART)]
    if starts:
        most_s = life.asked.duration_s_max
        ticks = sum(1 for slot in paper.slots if slot.end_ns <= at_ns)
        found["max_duration"] = (
            max(0, most_s - (at_ns - starts[0]) // SECOND_NS), max(0, most_s - ticks)
        )  # fmt: skip
    return found


def sibling_readings(
    paper: Paper | None, life: Life, world: World, at_ns: int, held_micros: int, *, is_exact: bool
) -> list[tuple[Going | None, int]]:
    """(what it spends, what is counted of its hold): one that has not begun, or is over, may count or not."""
    starts = [anchor.at_ns for anchor in paper.anchors if anchor.kind == START] if paper else []
    ended = [anchor.at_ns for anchor in paper.anchors if anchor.kind == STOP] if paper else []
    agreed = _agreed(life, world, paper.anchors if paper else (), at_ns)
    found: list[tuple[Going | None, int]] = []
    if paper is not None and starts and starts[0] <= at_ns:
        for going in readings(paper, life, world, at_ns, is_exact=is_exact):
            found += [(going, held_micros), (_limited(going, agreed), held_micros)]
        if not ended or ended[0] > at_ns:
            return _distinct(found)
    elif life.terms:
        anchors = paper.anchors if paper is not None else ()
        coming = ahead(life, world, anchors, max(at_ns, starts[0] if starts else 0))
        fresh = Going(terms=life.terms, runs=(), messages=0, ahead=coming)
        whole = replace(fresh, ends_in_s=min(FAR_S, life.asked.duration_s_max if life.asked else FAR_S))
        found += [(each, held_micros) for each in (fresh, whole, _limited(whole, agreed))]
    return _distinct([*found, (None, 0), (None, held_micros)])


def _distinct(
    readings_found: Sequence[tuple[Going | None, int]],
) -> list[tuple[Going | None, int]]:
    kept: list[tuple[Going | None, int]] = []
    for each in readings_found:
        if each not in kept:
            kept.append(each)
    return kept


def _agreed(life: Life, world: World, anchors: Sequence[Anchor], at_ns: int) -> list[str]:
    """What the client had said yes to by then."""
    return [kind for each_ns, kind in consents(life, world, anchors) if each_ns <= at_ns]


def _limited(going: Going, agreed: Sequence[str]) -> Going:
    """The same, ending where its own limits on spending or its prepaid time end unless somebody says yes."""
    limits = limits_left(going, blocks=1 + agreed.count("block"), has_consent="spend" in agreed)
    return replace(going, ends_in_s=min([going.ends_in_s, *limits.values()]))


def _left(mine: Going, rest: Sequence[Going], agreed: Sequence[str], micros: int) -> tuple[int, int]:
    """Between which numbers of seconds the nearest end lies."""
    everybody = [mine, *rest]
    free_micros = micros - sum(going.cost_in(0) for going in everybody)
    used_up, paid = money_left(everybody, micros=free_micros)
    limits = limits_left(mine, blocks=1 + agreed.count("block"), has_consent="spend" in agreed)
    nearest = min([mine.ends_in_s, *limits.values()])
    return min(used_up, nearest), min(paid, nearest)
