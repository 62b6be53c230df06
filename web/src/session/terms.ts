/**
 * A tariff in words: its price in one phrase, and every further term a person should know.
 *
 * Decides only the words; what things cost is the gateway's. A kind nobody has written words for is
 * shown by its price per minute.
 */

import { duration, price, t } from "../i18n";
import { pricePerMinute } from "../sdk/money";
import type { Tariff } from "../sdk/wire";

/** `¥3.00/min`, `¥30.00 for 30:00`, `¥0.50 per message`. */
export function shortPrice(tariff: Tariff): string {
  const of = (micros: number) => price(micros, tariff.currency);
  switch (tariff.kind) {
    case "block":
      return t("price.block", {
        price: of(tariff.block?.price_micros ?? 0),
        time: duration(tariff.block?.length_s ?? 0),
      });
    case "per_session":
      return t("price.session", { price: of(tariff.session_micros ?? 0) });
    case "per_message":
      return t("price.message", { price: of(tariff.message_micros ?? 0) });
    default:
      return t("people.per_minute", { price: of(pricePerMinute(tariff).micros) });
  }
}

/** As `shortPrice`, with how time is counted where it is. */
export function fullPrice(tariff: Tariff): string {
  if (tariff.kind !== "per_second" && tariff.kind !== "per_minute") return shortPrice(tariff);
  const perMinute = pricePerMinute(tariff);
  const amount = price(perMinute.micros, perMinute.currency);
  const step = tariff.increment_s ?? 1;
  if (step === 1) return t("sheet.per_minute", { price: amount });
  const key = tariff.rounding === "up" ? "price.steps_up" : "price.steps_down";
  return t(key, { price: amount, time: duration(step) });
}

/** Everything else that was agreed, a sentence each; what does not apply is left out. */
export function furtherTerms(tariff: Tariff): string[] {
  const of = (micros: number) => price(micros, tariff.currency);
  const terms: string[] = [];
  const add = (value: number | null | undefined, make: (value: number) => string) => {
    if (value) terms.push(make(value));
  };
  add(tariff.free_if_ended_within_s, (seconds) => t("sheet.free_within", { seconds }));
  add(tariff.connect_fee_micros, (micros) => t("sheet.connect_fee", { price: of(micros) }));
  add(tariff.free_s, (seconds) => t("terms.free", { time: duration(seconds) }));
  add(tariff.initial_block_s, (seconds) => t("terms.initial_block", { time: duration(seconds) }));
  add(tariff.minimum_micros, (micros) => t("terms.minimum", { price: of(micros) }));
  add(tariff.cap_micros, (micros) => t("terms.cap", { price: of(micros) }));
  add(tariff.messages_free, (count) => t("terms.messages_free", { count }));
  for (const tier of tariff.tiers.slice(1))
    terms.push(t("terms.tier", { time: duration(tier.from_s), price: of(tier.price_micros_per_minute) }));
  if (tariff.block) terms.push(overrun(tariff));
  for (const hours of tariff.windows ?? []) {
    const micros = hours.tiers[0]?.price_micros_per_minute ?? 0;
    terms.push(
      t("terms.window", { from: hours.from, until: hours.until, zone: tariff.zone ?? "", price: of(micros) }),
    );
  }
  add(tariff.spend_notify_micros, (micros) => t("terms.spend_notify", { price: of(micros) }));
  add(tariff.spend_consent_micros, (micros) => t("terms.spend_consent", { price: of(micros) }));
  add(tariff.spend_stop_micros, (micros) => t("terms.spend_stop", { price: of(micros) }));
  return terms;
}

function overrun(tariff: Tariff): string {
  const rule = tariff.block?.overrun ?? "stop";
  if (rule === "per_second")
    return t("terms.overrun.per_second", { price: price(pricePerMinute(tariff).micros, tariff.currency) });
  return t(rule === "ask" ? "terms.overrun.ask" : "terms.overrun.stop");
}
