"""Whether a session ended for the reason it gives, at the second at which it had to.

Decides whether the money, a limit, the slot or the maximum was really at its end, that
nothing was served beyond any of them, and that people were warned where there was time.
Never judges a warning's own figure (warnings.py) or a single second (meter.py).
Keeps true: a session that nobody ended and that had no limit near is never cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.auditor.bounds import ACK_GAP_NS, PACKETS_NS, SECOND_NS, tick_end
from loadtest.auditor.entries import BILLED, FREE, RESTART, START, STOP, UNWITNESSED, Slot
from loadtest.auditor.price import cost
from loadtest.auditor.receipts import Paper, usage_of
from loadtest.auditor.settlements import Settlement
from loadtest.auditor.span import EVER, switched
from loadtest.auditor.truth import WarningShown
from loadtest.auditor.undone import STOP_REACH_NS, consents
from loadtest.auditor.verdict import Verdict
from loadtest.auditor.warnings import JUST_NS, THRESHOLDS_S, Wallet, Warnings, ahead
from loadtest.auditor.world import Life, World

LIMITS = frozenset({"funds", "slot_end", "max_duration"})
TOLD = frozenset({"hangup_client", "hangup_provider", "operator", "moderation", "sos"})
GONE_NS = 15 * SECOND_NS
"""A leg without a packet, or an app without an acknowledgement, for so long is gone."""
REARM_S = 10
"""A warning is given again only where time left rose so far above its threshold."""
ALONE_NS = 5 * SECOND_NS
"""How much longer it takes where the other witness still has that side."""

LOST_REACH_S = 16
"""A crash that comes later after the last second that is known lost none of the session."""
TOLD_LATE_S = 3
"""A threshold was told in time if it was with no fewer seconds left than it less these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Looks at how sessions ended."""

    world: World
    warnings: Warnings
    verdict: Verdict

    def judge(self, paper: Paper, life: Life, settled: Settlement | None) -> None:
        """Look at one session's end."""
        if life.asked is None:
            return
        stop = next((anchor.at_ns for anchor in paper.anchors if anchor.kind == STOP), None)
        reason = str(paper.receipt["end_reason"])
        self._beyond(paper, life, settled)
        if stop is None or not paper.slots:
            return
        if reason in TOLD and not self._is_told(reason, life, stop):
            self._complain(paper, "end_reason", stop, "somebody who ended it", reason)
        if reason in LIMITS:
            self.verdict.cuts += 1
            self._early(paper, life, reason, stop)
            self._warned(paper, life, reason, stop)
        if reason in ("lost_client", "lost_provider") and not self._was_away(life, reason[5:], paper):
            self._complain(paper, "lost", stop, f"{reason[5:]} away", "there all the time")

    def _is_told(self, reason: str, life: Life, stop: int) -> bool:
        """Somebody ended it so; where a crash lost a call for help, an operator ended it for none."""
        told = {each for _, each in life.stops}
        helped = [at_ns for at_ns, is_on in life.pauses.get("sos", ()) if is_on]
        if reason == "operator" and "sos" in told:
            ended = max(stop, *(at_ns for at_ns, _ in life.stops))
            return any(
                at_ns - STOP_REACH_NS <= turn_ns <= ended for at_ns in helped for turn_ns in self.world.turns
            )
        return reason in told

    def _beyond(self, paper: Paper, life: Life, settled: Settlement | None) -> None:
        """Nothing was served beyond the holds, the limits, the slot or the maximum."""
        terms = life.terms
        spent = cost(terms, paper.runs, paper.messages)
        agreed = [kind for _, kind in consents(life, self.world, paper.anchors)]
        limits = {
            "cover": settled.held_micros if settled else 0,
            "spend_stop": terms.get("spend_stop_micros"),
            "spend_consent": None if "spend" in agreed else terms.get("spend_consent_micros"),
        }
        for name, most in limits.items():
            if most is not None and spent > most:
                self._complain(paper, f"beyond_{name}", None, f"at most {most} micros", spent)
        block = terms.get("block")
        if block and block["overrun"] != "per_second":
            bought = 1 + agreed.count("block") if block["overrun"] == "ask" else 1
            if paper.witnessed_s > bought * block["length_s"]:
                self._complain(paper, "beyond_block", None, bought * block["length_s"], paper.witnessed_s)
        assert life.asked is not None
        if len(paper.slots) > life.asked.duration_s_max:
            self._complain(paper, "beyond_maximum", None, life.asked.duration_s_max, len(paper.slots))
        slot_end = life.asked.slot_ends_wall_ns
        if slot_end is not None and not self.world.steps:
            late = [slot for slot in paper.slots if self.world.wall_ns(slot.end_ns) > slot_end + SECOND_NS]
            if any(slot.finding in (BILLED, FREE) for slot in late):
                self._complain(
                    paper, "beyond_slot", late[0].end_ns, "nothing after the slot's end", len(late)
                )

    def _early(self, paper: Paper, life: Life, reason: str, stop: int) -> None:
        """A limit is a reason only once it is reached."""
        assert life.asked is not None
        if reason == "max_duration":
            elapsed_s = (stop - (paper.slots[0].end_ns - SECOND_NS)) // SECOND_NS
            if max(elapsed_s, len(paper.slots)) + self._lost_s(paper) < life.asked.duration_s_max:
                self._complain(paper, "cut_early", stop, f"{life.asked.duration_s_max} s", elapsed_s)
        elif reason == "slot_end":
            slot_end = life.asked.slot_ends_wall_ns
            is_there = slot_end is not None and self.world.wall_ns(stop) >= slot_end - SECOND_NS
            block = life.terms.get("block")
            used_s = _used(paper, stop)[1] + self._lost_s(paper)
            is_used = block is not None and used_s >= block["length_s"]
            if not is_there and not is_used and not self.world.steps:
                self._complain(paper, "cut_early", stop, "the slot or block at its end", "time left")
        else:
            self._early_funds(paper, life, stop)

    def _early_funds(self, paper: Paper, life: Life, stop: int) -> None:
        """Out of money means that the next second costs more than there is, by every reading of the moment."""
        slots, _ = _used(paper, stop)
        runs, messages = usage_of(slots)
        period = ahead(life, self.world, paper.anchors, paper.slots[-1].end_ns)[0][1]
        following = cost(life.terms, [*runs, (period, 1 + self._lost_s(paper))], messages)
        following = max(following, cost(life.terms, runs, messages + 1))
        limits = [life.terms.get("spend_stop_micros"), life.terms.get("spend_consent_micros")]
        if any(limit is not None and following > limit for limit in limits):
            return
        money = [
            wallet.spendable_micros + wallet.held_micros.get(paper.session, 0)
            for wallet in self._wallets(life, stop)
        ]
        if money and following <= min(money):
            self._complain(paper, "cut_early", stop, f"money below {following}", min(money))

    def _lost_s(self, paper: Paper) -> int:
        """Seconds that had been served, and of which no disk knew when a process died, or one after another."""
        end_ns, lost_s = paper.slots[-1].end_ns, 0
        turns_s = ((at_ns - end_ns) // SECOND_NS for at_ns in self.world.turns if at_ns > end_ns)
        taken_s = min(turns_s, default=0)
        lives = [span for changes in self.world.gateways.values() for span in switched(changes)]
        for up_ns, down_ns in sorted(lives, key=lambda life: life[1]):
            if end_ns < down_ns < EVER:
                gone_s = (down_ns - max(up_ns, end_ns)) // SECOND_NS
                if lost_s + gone_s > LOST_REACH_S:
                    break
                lost_s += gone_s
        return max(lost_s, taken_s if taken_s <= LOST_REACH_S else 0)

    def _wallets(self, life: Life, at_ns: int) -> list[Wallet]:
        """The client's wallet as it was around an instant, before the session was settled."""
        assert life.asked is not None
        moves = self.warnings.moves.get(life.asked.client, [])
        found = [before for each_ns, before, _ in moves if at_ns - JUST_NS <= each_ns <= at_ns + JUST_NS]
        after = next((before for each_ns, before, _ in moves if each_ns > at_ns), None)
        wall_ns = self.world.wall_ns(at_ns)
        return [wallet.later(wall_ns) for wallet in (*found, after) if wallet is not None]

    def _warned(self, paper: Paper, life: Life, reason: str, stop: int) -> None:
        """Where everything went on evenly before a cut, each threshold was told."""
        assert life.asked is not None
        if int(life.terms.get("increment_s", 1)) > 1 or life.terms.get("kind", "per_second") != "per_second":
            return
        moves = self.warnings.moves.get(life.asked.client, [])
        lifts = [at for at, _, cause in moves if cause != paper.session]
        lifts += [*self.world.turns, *(at for at, _ in consents(life, self.world, paper.anchors))]
        for threshold in THRESHOLDS_S:
            since = stop - (threshold + 3) * SECOND_NS
            near = [slot for slot in paper.slots if slot.end_ns > since]
            is_even = len(near) >= threshold + 3 and all(slot.finding in (BILLED, FREE) for slot in near)
            is_even &= not any(at >= since - ACK_GAP_NS for at in self.world.downs if at <= stop)
            is_even &= not any(begin <= stop and end >= since for begin, end in self.world.stalls)
            is_even &= not any(
                since - JUST_NS <= at <= stop and cause != paper.session for at, _, cause in moves
            )
            if not is_even:
                continue
            if not any(
                _stands(each.event, threshold, lifts, paper.slots, since=since)
                for each in self.warnings.shown.get(paper.session, ())
            ):
                self._complain(
                    paper, "not_warned", stop, f"a warning of {threshold} s before {reason}", "none"
                )

    def _was_away(self, life: Life, side: str, paper: Paper) -> bool:
        """By the truth, that side was gone: leg and app for 15 s, or one of them for 5 s longer.

        The stop is dated back, so that the session's last second says when it was decided.
        """
        if any(paper.slots[0].end_ns <= at_ns for at_ns in self.world.turns):
            return True
        end_ns = paper.slots[-1].end_ns
        began_ns = max(anchor.at_ns for anchor in paper.anchors if anchor.kind in (START, RESTART))
        legs = [min(end, end_ns) for begin, end in life.presence(side) if begin <= end_ns]
        named = [tick_end(paper.anchors, tick, at) for at, tick in life.acks.get(side, ()) if at <= end_ns]
        # The last packet of a flow came at most so long before the flow ended.
        leg_ns = max(began_ns, max(legs, default=0) - PACKETS_NS)
        app_ns = max([began_ns, *(each for each in named if each is not None)])
        silent = (end_ns + SECOND_NS - leg_ns, end_ns + SECOND_NS - app_ns)
        return min(silent) >= GONE_NS or max(silent) >= GONE_NS + ALONE_NS

    def _complain(self, paper: Paper, rule: str, at_ns: int | None, expected: object, found: object) -> None:
        self.verdict.complain(rule, session=paper.session, at_ns=at_ns, expected=expected, found=found)


def _stands(
    event: WarningShown, threshold: int, lifts: Sequence[int], slots: Sequence[Slot], *, since: int
) -> bool:
    """That warning tells of the threshold: at it, or before, and nothing since lifted time left by 10 s above it.

    How far an earlier lift went nobody can see any more once a later one has come.
    """
    if event.seconds_left > threshold:
        return False
    since_then = [at_ns for at_ns in lifts if at_ns > event.at_ns]
    if event.at_ns >= since and not since_then:
        return event.seconds_left >= threshold - TOLD_LATE_S
    last_ns = max(since_then, default=EVER)
    left_s = sum(slot.end_ns > last_ns and slot.finding in (BILLED, FREE) for slot in slots)
    return left_s <= threshold + REARM_S + 1


def _used(paper: Paper, stop: int) -> tuple[list[Slot], int]:
    """The seconds that were counted or still provisional at the stop, and how many they are."""
    slots = [
        slot._replace(finding=BILLED)
        for slot in paper.slots
        if slot.finding in (BILLED, FREE)
        or (slot.finding == UNWITNESSED and slot.end_ns > stop - ACK_GAP_NS - 2 * SECOND_NS)
    ]
    return slots, len(slots)


def judge(
    cuts: Cuts, papers: Mapping[str, Paper], settlements: Mapping[str, Settlement], world: World
) -> None:
    """Look at the end of every session that has a receipt."""
    for session, paper in papers.items():
        life = world.lives.get(session)
        if life is not None:
            cuts.judge(paper, life, settlements.get(session))
