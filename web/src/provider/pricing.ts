/**
 * A provider's price as it is typed, and the tariff terms it becomes.
 *
 * Decides which fields each kind of price has, what is wrong with one before it is sent, and which
 * field a refused term belongs to. Never decides whether a price can be metered: the gateway does.
 * Terms that the form has no field for stay as they are while the kind stays the same.
 */

import { parseMicros, typedAmount } from "../sdk/money";
import type { Kind, Tariff } from "../sdk/wire";

export const PRICE_KINDS = ["per_second", "per_minute", "block", "per_session", "per_message"] as const;
export type PriceKind = (typeof PRICE_KINDS)[number];

export const OVERRUNS = ["ask", "per_second", "stop"] as const;
export type Overrun = (typeof OVERRUNS)[number];

/** What stands in the form; amounts and numbers as typed. */
export interface Draft {
  kind: PriceKind;
  /** Per minute, block, session or message, by kind. */
  price: string;
  fee: string;
  minutes: string;
  overrun: Overrun;
  /** Per minute once a block is used up. */
  after: string;
  /** Messages that cost nothing. */
  free: string;
}

export type FieldName = keyof Draft;
export type Wrong = "amount" | "zero" | "minutes" | "free";
export type Terms = Record<string, unknown>;

export const BLOCK_MINUTES_MAX = 240;
export const MESSAGES_FREE_MAX = 10_000;

/** Only text has messages to count. */
export function kindsFor(kind: Kind): PriceKind[] {
  return PRICE_KINDS.filter((each) => each !== "per_message" || kind === "text");
}

/** What each kind of price asks for, in order. */
export function fieldsOf(draft: Draft): FieldName[] {
  switch (draft.kind) {
    case "block":
      return ["minutes", "price", "overrun", ...(draft.overrun === "per_second" ? ["after" as const] : [])];
    case "per_session":
      return ["price"];
    case "per_message":
      return ["price", "free"];
    default:
      return ["price", "fee"];
  }
}

/** The form filled with a present price; with an empty one where there is none. */
export function draftOf(tariff: Tariff | null): Draft {
  const shown = (micros: number | undefined) => (tariff ? typedAmount(micros ?? 0, tariff.currency) : "");
  const perMinute = tariff?.tiers[0]?.price_micros_per_minute;
  const kind = PRICE_KINDS.find((each) => each === tariff?.kind) ?? "per_second";
  const prices: Record<PriceKind, number | undefined> = {
    per_second: perMinute,
    per_minute: perMinute,
    block: tariff?.block?.price_micros,
    per_session: tariff?.session_micros,
    per_message: tariff?.message_micros,
  };
  return {
    kind,
    price: shown(prices[kind]),
    fee: tariff ? shown(tariff.connect_fee_micros) : "0",
    minutes: String((tariff?.block?.length_s ?? 1800) / 60),
    overrun: tariff?.block?.overrun ?? "ask",
    after: kind === "block" ? shown(perMinute) : "",
    free: String(tariff?.messages_free ?? 0),
  };
}

/** What is wrong with the form, by field; nothing where it may be sent. */
export function wrongs(draft: Draft, currency: string): Partial<Record<FieldName, Wrong>> {
  const found: Partial<Record<FieldName, Wrong>> = {};
  for (const field of fieldsOf(draft)) {
    const wrong = wrongIn(field, draft, currency);
    if (wrong) found[field] = wrong;
  }
  return found;
}

function wrongIn(field: FieldName, draft: Draft, currency: string): Wrong | null {
  if (field === "minutes") return isWhole(draft.minutes, 1, BLOCK_MINUTES_MAX) ? null : "minutes";
  if (field === "free") return isWhole(draft.free, 0, MESSAGES_FREE_MAX) ? null : "free";
  if (field === "overrun" || field === "kind") return null;
  const micros = parseMicros(draft[field], currency);
  if (micros === null) return "amount";
  return micros === 0 && field !== "fee" ? "zero" : null;
}

function isWhole(typed: string, least: number, most: number): boolean {
  return /^\d{1,6}$/.test(typed.trim()) && Number(typed) >= least && Number(typed) <= most;
}

/** The terms to be set. Only for a draft without wrongs. */
export function termsOf(draft: Draft, present: Tariff | null, currency: string): Terms {
  const micros = (typed: string) => parseMicros(typed, currency) ?? 0;
  const tiers = (typed: string) => [{ from_s: 0, price_micros_per_minute: micros(typed) }];
  const terms: Terms = { ...keptOf(draft, present), kind: draft.kind, currency };
  switch (draft.kind) {
    case "block":
      terms.block = {
        length_s: Number(draft.minutes) * 60,
        price_micros: micros(draft.price),
        overrun: draft.overrun,
      };
      terms.tiers = draft.overrun === "per_second" ? tiers(draft.after) : [];
      break;
    case "per_session":
      terms.session_micros = micros(draft.price);
      break;
    case "per_message":
      terms.message_micros = micros(draft.price);
      terms.messages_free = Number(draft.free);
      break;
    default:
      terms.tiers = [...tiers(draft.price), ...(keptTariff(draft, present)?.tiers.slice(1) ?? [])];
      terms.connect_fee_micros = micros(draft.fee);
  }
  return terms;
}

/** The present tariff where the draft is of its kind, so that its other terms stay. */
export function keptTariff(draft: Draft, present: Tariff | null): Tariff | null {
  return present?.kind === draft.kind ? present : null;
}

/** Terms of the first version lack keys of the second; those take their defaults. */
function keptOf(draft: Draft, present: Tariff | null): Terms {
  const { version: _version, ...kept } = { ...keptTariff(draft, present) };
  return kept;
}

/** The field of the form that a refused term is typed in; null where it is in none. */
export function fieldOfTerm(term: string | null, draft: Draft): FieldName | null {
  const own: Record<string, FieldName> = {
    kind: "kind",
    tiers: draft.kind === "block" ? "after" : "price",
    price_micros_per_minute: draft.kind === "block" ? "after" : "price",
    connect_fee_micros: "fee",
    length_s: "minutes",
    block: "minutes",
    price_micros: "price",
    overrun: "overrun",
    session_micros: "price",
    message_micros: "price",
    messages_free: "free",
  };
  const field = own[term ?? ""] ?? null;
  return field === "kind" || (field && fieldsOf(draft).includes(field)) ? field : null;
}
