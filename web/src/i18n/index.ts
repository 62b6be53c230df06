/**
 * Everything the pages say, in the language the person chose.
 *
 * Decides the language at the start (chosen before, else the browser's) and gives sentences by key.
 * A problem's sentence is found by its code, one that says when to try again by the code and `_for`;
 * a code nobody has written a sentence for falls back to the gateway's own words.
 */

import { signal } from "@preact/signals";
import { minutesAndSeconds } from "../sdk/clock";
import { moneyText, priceText, signedMoneyText } from "../sdk/money";
import { Problem } from "../sdk/problem";
import type { Money } from "../sdk/wire";
import { en, type Key } from "./en";
import { zh } from "./zh";

export type Language = "en" | "zh-CN";
export type { Key };

type Values = Record<string, string | number>;

const STORE_KEY = "gateway.language";
const tables: Record<Language, Record<Key, string>> = { en, "zh-CN": zh };

export const language = signal<Language>(first());

export function choose(next: Language): void {
  language.value = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORE_KEY, next);
  } catch {
    // A browser that keeps nothing still shows the language until the page is closed.
  }
}

/** The sentence for `key` with `{names}` filled in. */
export function t(key: Key, values: Values = {}): string {
  return fill(tables[language.value][key], values);
}

/** A sentence whose key is put together from a wire value; `fallback` where there is none. */
export function tOr(key: string, fallback: string, values: Values = {}): string {
  const found = (tables[language.value] as Record<string, string>)[key];
  return found === undefined ? fallback : fill(found, values);
}

export function problemText(problem: Problem, values: Values = {}): string {
  const own = problem.detail || (problem.message !== problem.code ? problem.message : "");
  const plain = tOr(`problem.${problem.code}`, own || t("problem.unexpected"), values);
  if (problem.retryAfterS === null) return plain;
  return tOr(`problem.${problem.code}_for`, plain, { ...values, seconds: problem.retryAfterS });
}

export function money(amount: Money): string {
  return moneyText(amount, language.value);
}

export function signedMoney(amount: Money): string {
  return signedMoneyText(amount, language.value);
}

export function price(micros: number, currency: string): string {
  return priceText(micros, currency, language.value);
}

/** `2026-11-21T20:13:38.125Z` in the person's own zone, short. */
export function when(instant: string, seconds = false): string {
  const style: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: seconds ? "medium" : "short" };
  return new Intl.DateTimeFormat(language.value, style).format(new Date(instant));
}

export function day(instant: string): string {
  return new Intl.DateTimeFormat(language.value, { month: "short", day: "numeric" }).format(
    new Date(instant),
  );
}

export const duration = minutesAndSeconds;

export function fill(sentence: string, values: Values): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function first(): Language {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(STORE_KEY);
  } catch {
    kept = null;
  }
  if (kept === "en" || kept === "zh-CN") return kept;
  return typeof navigator !== "undefined" && navigator.language.startsWith("zh") ? "zh-CN" : "en";
}

if (typeof document !== "undefined") document.documentElement.lang = language.value;

export { Problem };
