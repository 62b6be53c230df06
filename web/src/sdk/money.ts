/**
 * Money as text.
 *
 * Amounts stay integers in millionths until the last step; what is shown is cut to the minor unit
 * (never rounded up), as settlement does. Never computes a price: that is the gateway's.
 */

import type { Money, Tariff } from "./wire";

const formats = new Map<string, Intl.NumberFormat>();

function format(locale: string, currency: string, digits: number): Intl.NumberFormat {
  const key = `${locale}|${currency}|${digits}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(key, made);
  return made;
}

/** Digits after the point of the currency's minor unit (ISO 4217). */
export function minorDigits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
    .maximumFractionDigits as number;
}

/** Cut towards zero to `digits` after the point. */
function cut(micros: number, digits: number): number {
  const unit = 10 ** (6 - digits);
  return Math.trunc(micros / unit) / 10 ** digits;
}

/** `{micros: 1259999, currency: "CNY"}` → `¥1.25`. */
export function moneyText(money: Money, locale: string): string {
  const digits = minorDigits(money.currency);
  return format(locale, money.currency, digits).format(cut(money.micros, digits));
}

/** As `moneyText`, with a plus sign for what comes in. */
export function signedMoneyText(money: Money, locale: string): string {
  const text = moneyText(money, locale);
  return money.micros > 0 ? `+${text}` : text.replace("-", "−");
}

/** A price per minute keeps fractions of the minor unit where it has them. */
export function priceText(micros: number, currency: string, locale: string): string {
  const digits = minorDigits(currency);
  const exact = micros % 10 ** (6 - digits) === 0 ? digits : Math.min(6, digits + 2);
  return format(locale, currency, exact).format(cut(micros, exact));
}

/** `12.5` → 12,500,000 micros; null where it is no amount or finer than the currency's minor unit. */
export function parseMicros(typed: string, currency: string): number | null {
  const match = /^(\d{1,6})(?:[.,](\d{1,6}))?$/.exec(typed.trim());
  const fraction = match?.[2] ?? "";
  if (!match || fraction.length > minorDigits(currency)) return null;
  return Number(match[1]) * 1_000_000 + Number(fraction.padEnd(6, "0") || 0);
}

/** What a person would type for an amount: 12,500,000 → `12.50`. */
export function typedAmount(micros: number, currency: string): string {
  const digits = minorDigits(currency);
  return cut(micros, digits).toFixed(digits);
}

/** What the first minute costs. */
export function pricePerMinute(tariff: Tariff): Money {
  return { micros: tariff.tiers[0]?.price_micros_per_minute ?? 0, currency: tariff.currency };
}
