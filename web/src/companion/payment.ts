/** Amounts for a top-up and the way to its result. Money moves only at the gateway. */

import type { Api } from "../sdk/api";
import { delay } from "../sdk/backoff";
import { parseMicros } from "../sdk/money";
import type { Money, TopUp } from "../sdk/wire";

/** Offered at one press, in whole units. */
export const AMOUNTS = [20, 50, 100, 200] as const;

const LEAST_MICROS = 1_000_000;
const MOST_MICROS = 50_000_000_000;
const POLLS = 20;
const POLL_MS = 500;

/** `12.5` → 12,500,000 micros; null where it is no amount or out of bounds. */
export function parseAmount(typed: string, currency: string): Money | null {
  const micros = parseMicros(typed, currency);
  if (micros === null) return null;
  return micros >= LEAST_MICROS && micros <= MOST_MICROS ? { micros, currency } : null;
}

/** Answer the sandbox's payment page, then wait for the gateway to have booked it. */
export async function settle(
  api: Api,
  row: TopUp,
  outcome: "approve" | "decline",
): Promise<"succeeded" | "failed"> {
  await api.paySandbox(paymentOf(row), outcome);
  for (let poll = 0; poll < POLLS; poll += 1) {
    const { state } = await api.topUpState(row.id);
    if (state !== "pending") return state;
    await delay(POLL_MS);
  }
  return "failed";
}

/** The payment's own name is the last part of its page's address. */
function paymentOf(row: TopUp): string {
  return row.pay_url?.split("/").filter(Boolean).at(-1) ?? row.id;
}
