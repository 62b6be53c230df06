/**
 * What an operator may do with money, and the waiting work it is done to.
 *
 * Decides only which acts a thing in its state offers; whether one is allowed is the gateway's.
 * Every act carries a reason, which goes into the audit log before anything is done.
 */

import type { Http } from "../sdk/http";
import type { Money, Page, Provider } from "../sdk/wire";
import type { Bar, Case, OperatorPayout, PayoutState, TrialBalance } from "../sdk/wire_money";
import type { Invariants } from "./snapshot";

export type Act = "to_provider" | "to_client" | "approve" | "send" | "paid" | "returned" | "failed" | "lift";

/** Everything that waits for an operator, as one reading. */
export interface Books {
  cases: Case[];
  payouts: OperatorPayout[];
  bars: Bar[];
  balance: TrialBalance;
  /** What everything is kept in. */
  currency: string;
}

/** An act about to be done; `subject` is the id it is done to, `title` how people call it. */
export interface IntendedAct {
  act: Act;
  subject: string;
  title: string;
}

const CURRENCY_USUAL = "CNY";
const MOVING: PayoutState[] = ["requested", "approved", "sent", "awaiting_payee"];

/** Acts on a payout by its state, the likely one first. */
export const PAYOUT_ACTS: Record<PayoutState, Act[]> = {
  requested: ["approve", "failed"],
  approved: ["send", "failed"],
  sent: ["paid", "returned"],
  awaiting_payee: ["paid", "returned"],
  paid: [],
  returned: [],
  failed: [],
};

export class Counter {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async read(): Promise<Books> {
    const [people, cases, bars, balance, ...payouts] = await Promise.all([
      this.#get<Page<Provider>>("/providers?limit=1"),
      this.#get<{ items: Case[] }>("/admin/cases"),
      this.#get<{ items: Bar[] }>("/admin/bars"),
      this.#get<TrialBalance>("/admin/trial-balance"),
      ...MOVING.map((state) => this.#get<{ items: OperatorPayout[] }>(`/admin/payouts?state=${state}`)),
    ]);
    return {
      cases: cases.items,
      bars: bars.items,
      balance,
      payouts: payouts.flatMap((page) => page.items),
      // The trial balance is in bare micros; prices are in the currency of the books.
      currency: people.items[0]?.offers[0]?.currency ?? CURRENCY_USUAL,
    };
  }

  /** Look at every invariant over all rows, now. */
  check(): Promise<Invariants> {
    return this.#http.call("POST", "/admin/invariants/check");
  }

  async carryOut({ act, subject }: IntendedAct, reason: string, amount: Money | null): Promise<void> {
    const id = encodeURIComponent(subject);
    switch (act) {
      case "to_provider":
        return await this.#post(`/admin/cases/${id}/decide`, { outcome: "provider", reason });
      case "to_client":
        return await this.#post(`/admin/cases/${id}/decide`, { outcome: "client", reason, amount });
      case "approve":
      case "send":
        return await this.#post(`/admin/payouts/${id}/${act}`, { reason });
      case "lift":
        return await this.#http.call("DELETE", `/admin/bars/${id}`, { body: { reason } });
      default:
        return await this.#post(`/admin/payouts/${id}/mark`, { state: act, reason });
    }
  }

  #get<T>(path: string): Promise<T> {
    return this.#http.call("GET", path);
  }

  async #post(path: string, body: unknown): Promise<void> {
    await this.#http.call("POST", path, { body });
  }
}
