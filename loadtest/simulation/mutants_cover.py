"""Bugs in what is set aside and what is said of it: holds, time left, warnings, consent.

Decides the wrong lines of the code that keeps a session inside its money and its
agreed limits. What a bug is, `mutant.py` says.
Never plants one and never says whether it is found (`planting.py`, `mutate.py`).
"""

from loadtest.simulation.faults import Fault
from loadtest.simulation.mutant import Mutant

COVER = (
    Mutant(
        name="first_hold_of_forty_seconds",
        module="gateway.limits",
        old="HOLD_QUANTUM_S = 60",
        new="HOLD_QUANTUM_S = 40",
        breaks="less is set aside before it rings than the page says",
    ),
    Mutant(
        name="next_hold_too_early",
        module="gateway.metering.allowance",
        old="    if covered_s > HOLD_EXTEND_BELOW_S:\n",
        new="    if covered_s > 2 * HOLD_EXTEND_BELOW_S:\n",
        breaks="money is set aside long before it is needed",
    ),
    Mutant(
        name="next_hold_never_asked_for",
        module="gateway.metering.meter",
        old="return [effect.HoldNeeded(request=request, ordinal=self.cover.holds + 1)] if request else []",
        new="return []",
        breaks="a session ends with its first hold although there is money",
    ),
    Mutant(
        name="second_served_before_it_is_covered",
        module="gateway.metering.meter",
        old="        after = usage.plus(self._counting.period(number + 1))\n",
        new="        after = usage\n",
        breaks="the hard stop looks at the second that was served, not at the next",
    ),
    Mutant(
        name="hard_stop_forgotten",
        module="gateway.metering.bound",
        old="        if cost > cover.held_micros:\n",
        new="        if cost > cover.held_micros and cover.is_money_out and not cover.holds:\n",
        breaks="a session goes on beyond what was set aside",
    ),
    Mutant(
        name="short_hold_counted_in_full",
        module="gateway.metering.holding_service",
        old="            meter.hold_placed(answer.placed_micros, is_final=is_final)\n",
        new="            meter.hold_placed(request.want_micros, is_final=is_final)\n",
        breaks="the last hold, for which there was not enough, counts as if there had been",
    ),
    Mutant(
        name="second_hold_under_the_first_ones_name",
        module="gateway.metering.holding_service",
        old='derived(order.session, "hold", needed.ordinal, self',
        new='derived(order.session, "hold", 1, self',
        breaks="the next hold is answered with the first one and nothing is set aside",
    ),
    Mutant(
        name="minute_of_cover_counted_twice",
        module="gateway.metering.cover",
        old="        self.held_micros += micros\n",
        new="        self.held_micros += micros + (self.holds > 0) * micros\n",
        breaks="a hold after the first covers twice what it set aside",
    ),
    Mutant(
        name="top_up_does_not_arm_the_next_hold",
        module="gateway.metering.hearing",
        old="        self.cover.is_money_out = False\n",
        new="        self.cover.is_due = False\n",
        breaks="money that comes during a call is not used by it",
    ),
    Mutant(
        name="line_not_covered",
        module="gateway.metering.hearing",
        old=".plus(self._counting.period(number), 1, 1)",
        new=".plus(self._counting.period(number), 1, 0)",
        breaks="a line is taken although neither hold nor limit covers it",
        worlds=240,
    ),
    Mutant(
        name="siblings_left_out_of_time_left",
        module="gateway.metering.closing_service",
        old="[spend for _, spend in theirs])",
        new="[theirs[0][1]])",
        breaks="time left is reckoned as if the wallet had one session",
    ),
    Mutant(
        name="held_money_left_out_of_time_left",
        module="gateway.metering.allowance",
        old="    money = max(0, available_micros) + sum([spend.held_micros for spend in spends])\n",
        new="    money = max(0, available_micros)\n",
        breaks="time left ignores what is set aside already",
    ),
    Mutant(
        name="wallet_as_it_was_before_the_hold",
        module="gateway.booking.adapters.ledger_work",
        old="            available_micros=available - planned.placed_micros,\n",
        new="            available_micros=available,\n",
        breaks="money that was just set aside still counts as available, and time left is too long",
    ),
    Mutant(
        name="warned_at_twenty",
        module="gateway.limits",
        old="WARN_AT_S = (120, 60, 30, 10)",
        new="WARN_AT_S = (120, 60, 20, 10)",
        breaks="the warning of half a minute comes ten seconds late",
    ),
    Mutant(
        name="last_warning_left_out",
        module="gateway.limits",
        old="WARN_AT_S = (120, 60, 30, 10)",
        new="WARN_AT_S = (120, 60, 30)",
        breaks="nobody is warned ten seconds before the end",
    ),
    Mutant(
        name="warning_a_few_seconds_long",
        module="gateway.metering.meter",
        old="number=number, boundary_ns=boundary_ns, funds_left_s=funds_left_s)",
        new="number=number, boundary_ns=boundary_ns, funds_left_s=funds_left_s + 5)",
        breaks="people are told of five seconds that there are not",
    ),
    Mutant(
        name="warned_in_every_second",
        module="gateway.metering.warning",
        old="        self.armed -= passed\n",
        new="        self.armed = self.armed - {at_s for at_s in passed if left.seconds < 10}\n",
        breaks="a threshold is told again and again",
    ),
    Mutant(
        name="warnings_never_armed_again",
        module="gateway.metering.warning",
        old="if left.seconds > at_s + WARN_REARM_S)",
        new="if left.seconds > 100 * at_s + WARN_REARM_S)",
        breaks="after a top-up nobody is warned of the next end",
        worlds=200,
    ),
    Mutant(
        name="hard_maximum_left_out_of_time_left",
        module="gateway.metering.bound",
        old="            duration_s=self._duration_s(number),\n",
        new="            duration_s=self._order.duration_s_max,\n",
        breaks="nobody is warned of the hard maximum",
    ),
    Mutant(
        name="maximum_a_second_late",
        module="gateway.metering.bound",
        old="        if not self._duration_s(number):\n",
        new="        if not self._duration_s(number - 1):\n",
        breaks="a session is served for a second beyond its hard maximum",
    ),
    Mutant(
        name="block_ends_a_second_late",
        module="gateway.metering.checkpoint",
        old="if block_s is not None and seconds > block_s else None",
        new="if block_s is not None and seconds > block_s + 1 else None",
        breaks="a session is served for a second beyond its bought time",
    ),
    Mutant(
        name="asking_is_agreeing",
        module="gateway.metering.checkpoint",
        old="        if self.has_agreed or consent is None:\n",
        new="        if self.has_agreed or self.asked or consent is None:\n",
        breaks="a session goes on beyond the agreed spending once the client was asked",
    ),
    Mutant(
        name="spend_stop_ignored",
        module="gateway.metering.checkpoint",
        old="        if limit_micros is not None and cost_micros > limit_micros:\n",
        new="        if limit_micros is not None and cost_micros > limit_micros + self.tariff.cost(20):\n",
        breaks="seconds cost more than the limit on spending",
    ),
    Mutant(
        name="block_without_a_yes",
        module="gateway.metering.checkpoint",
        old="        return self.tariff.limit_s(self.blocks)\n",
        new="        return self.tariff.limit_s(self.blocks + len(self.asked))\n",
        breaks="the next block is begun as soon as the client was asked for it",
    ),
    Mutant(
        name="holds_forgotten_in_a_restart",
        module="gateway.metering.recovery_service",
        old="Cover(held_micros=stored.held_micros, holds=stored.holds)",
        new="Cover(held_micros=stored.held_micros, holds=1)",
        breaks="after a restart the next hold has the name of one that was placed before",
        faults=frozenset({Fault.CRASH_AT_STEP}),
        worlds=150,
    ),
)
"""Sessions that outrun their money or their limits, and people who are told wrong."""
