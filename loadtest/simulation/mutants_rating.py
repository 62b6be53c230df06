"""Bugs in what seconds and messages cost: tiers, steps, free time, limits, hours, fees.

Decides the wrong lines of the rating code. What a bug is, `mutant.py` says.
Never plants one and never says whether it is found (`planting.py`, `mutate.py`).
"""

from loadtest.simulation.mutant import Mutant

RATING = (
    Mutant(
        name="tier_edges_counted_from_one",
        module="gateway.metering.rate",
        old="starts = [tier.from_s for tier in self.tiers]",
        new="starts = [tier.from_s + (tier.from_s > 0) for tier in self.tiers]",
        breaks="the first second of each later tier has the price of the one before",
    ),
    Mutant(
        name="one_second_too_many_priced",
        module="gateway.metering.rate",
        old="return before + (seconds - from_s) * price",
        new="return before + (seconds - from_s + 1) * price",
        breaks="a fence-post error prices one second too many",
    ),
    Mutant(
        name="tiers_begin_anew_with_the_hours",
        module="gateway.metering.course",
        old="        total -= rate.numerator(at)\n        at += seconds\n        total += rate.numerator(at)\n",
        new="        at += seconds\n        total += rate.numerator(seconds)\n",
        breaks="after a change of hours the tiers are counted from the first again",
        worlds=200,
    ),
    Mutant(
        name="begun_steps_are_given_away",
        module="gateway.metering.course",
        old="            return -(-counted // step) * step\n",
        new="            return counted // step * step\n",
        breaks="increments that are to be rounded up are rounded down",
    ),
    Mutant(
        name="steps_rounded_up_whatever_was_agreed",
        module="gateway.metering.course",
        old="        if self.is_rounded_up:\n            return -(-counted",
        new="        if step > 1:\n            return -(-counted",
        breaks="increments that are to be rounded down are rounded up",
    ),
    Mutant(
        name="initial_block_added_to_the_time",
        module="gateway.metering.course",
        old="counted = max(seconds, self.initial_block_s)",
        new="counted = seconds + self.initial_block_s",
        breaks="the initial block is paid beside the time instead of being its least",
    ),
    Mutant(
        name="connect_fee_beyond_the_cap",
        module="gateway.metering.tariff",
        old="        owed = max(micros + self.connect_fee_micros, self.minimum_micros)\n"
        "        return owed if self.cap_micros is None else min(owed, self.cap_micros)\n",
        new="        owed = max(micros, self.minimum_micros - self.connect_fee_micros)\n"
        "        owed = owed if self.cap_micros is None else min(owed, self.cap_micros)\n"
        "        return owed + self.connect_fee_micros\n",
        breaks="the cap leaves the connect fee out",
    ),
    Mutant(
        name="minimum_beside_the_connect_fee",
        module="gateway.metering.tariff",
        old="owed = max(micros + self.connect_fee_micros, self.minimum_micros)",
        new="owed = max(micros, self.minimum_micros) + self.connect_fee_micros",
        breaks="the connect fee is added to a minimum that includes it",
    ),
    Mutant(
        name="cap_forgotten",
        module="gateway.metering.tariff",
        old="return owed if self.cap_micros is None else min(owed, self.cap_micros)",
        new="return owed",
        breaks="a session costs more than its cap",
    ),
    Mutant(
        name="free_seconds_counted_from_one",
        module="gateway.metering.tariff",
        old="skipped_s = self.block.length_s if self.block else self.free_s\n"
        "        uncounted_s = 0 if self.block else self.free_s + steps.seconds_of(0)",
        new="skipped_s = self.block.length_s if self.block else max(0, self.free_s - 1)\n"
        "        uncounted_s = 0 if self.block else skipped_s + steps.seconds_of(0)",
        breaks="the last free second is paid",
    ),
    Mutant(
        name="short_call_paid_at_its_edge",
        module="gateway.metering.tariff",
        old="            is_owed = seconds > self._free_until_s\n",
        new="            is_owed = seconds >= self._free_until_s\n",
        breaks="a call of exactly the length that is still free is paid",
        worlds=240,
    ),
    Mutant(
        name="whole_call_at_its_first_hours",
        module="gateway.metering.tariff",
        old="        if len(runs) == 1:\n            chargeable_s",
        new="        if runs:\n            chargeable_s",
        breaks="the price of the first hours holds although others have come into force",
    ),
    Mutant(
        name="free_messages_counted_from_one",
        module="gateway.metering.tariff",
        old="messages = (0 if isinstance(usage, int) else usage.messages) - self.messages_free",
        new="messages = (0 if isinstance(usage, int) else usage.messages) - max(0, self.messages_free - 1)",
        breaks="the last free message is paid",
        worlds=240,
    ),
    Mutant(
        name="next_block_begun_at_the_edge",
        module="gateway.metering.block",
        old="return -(-witnessed_s // self.length_s) * self.price_micros",
        new="return (witnessed_s // self.length_s + 1) * self.price_micros",
        breaks="the last second of a block counts as the first of the next",
    ),
    Mutant(
        name="bought_blocks_not_counted",
        module="gateway.metering.block",
        old="                return self.length_s * blocks_bought\n",
        new="                return None\n",
        breaks="a session goes on into blocks that nobody bought",
    ),
    Mutant(
        name="window_ends_a_minute_late",
        module="gateway.metering.window",
        old="self.from_min <= minute < self.until_min",
        new="self.from_min <= minute <= self.until_min",
        breaks="the price of a window holds for a minute longer",
    ),
    Mutant(
        name="hours_read_in_utc",
        module="gateway.metering.schedule",
        old="local_s = unix_s + offset_s_at(tariff.zone, unix_s)",
        new="local_s = unix_s",
        breaks="the hours of a tariff are not read in its zone",
    ),
    Mutant(
        name="summer_time_ignored",
        module="gateway.metering.adapters.zones",
        old="    return offset.days * 86_400 + offset.seconds\n",
        new="    saved = datetime.fromtimestamp(unix_s, _zone(zone)).dst()\n"
        "    return offset.days * 86_400 + offset.seconds - (saved.seconds if saved else 0)\n",
        breaks="hours are read as if it were winter",
    ),
    Mutant(
        name="second_priced_by_its_end",
        module="gateway.metering.counting",
        old="            period=self.periods.at(from_ns),\n",
        new="            period=self.periods.at(until_ns),\n",
        breaks="a second in which the hours change has the price of the new ones",
        worlds=300,
    ),
    Mutant(
        name="usage_forgets_the_order",
        module="gateway.metering.usage",
        old="            if runs and runs[-1][0] == period:\n"
        "                runs = (*runs[:-1], (period, runs[-1][1] + seconds))\n",
        new="            if runs:\n                runs = (*runs[:-1], (runs[-1][0], runs[-1][1] + seconds))\n",
        breaks="seconds after a change of hours are added to the hours before",
    ),
    Mutant(
        name="charge_rounded_up_to_a_coin",
        module="gateway.money",
        old="    return micros // coin * coin\n",
        new="    return -(-micros // coin) * coin\n",
        breaks="the client pays the remainder of a coin",
    ),
    Mutant(
        name="fee_in_whole_coins",
        module="gateway.money",
        old="    fee = total_micros * fee_bp // BASIS_POINTS\n",
        new="    fee = total_micros * fee_bp // BASIS_POINTS // 10_000 * 10_000\n",
        breaks="the fee is floored to a coin, as the charge is",
    ),
    Mutant(
        name="free_seconds_on_the_receipt_as_billed",
        module="gateway.metering.receipt",
        old='"billed_s": tally.billed_s,',
        new='"billed_s": tally.witnessed_s,',
        breaks="a receipt counts free seconds as billed",
    ),
)
"""Wrong prices."""
