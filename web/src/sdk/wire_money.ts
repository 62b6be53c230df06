/**
 * The shapes of the money routes: a provider's prices, payouts and cases, and the operator's books.
 *
 * Decides nothing; docs/wire.md says what each means. Sessions, wallets and receipts are in `wire.ts`.
 */

import type { Money } from "./wire";

export type PayoutState =
  | "requested"
  | "approved"
  | "sent"
  | "awaiting_payee"
  | "paid"
  | "returned"
  | "failed";

export interface Payout {
  id: string;
  state: PayoutState;
  amount: Money;
  fee: Money;
  net: Money;
  requested_at: string;
  moved_at: string;
}

/** A payout as operators see it. */
export interface OperatorPayout extends Payout {
  provider: string;
  approvers: string[];
  reference: string;
}

export type CaseState = "open" | "to_provider" | "to_client";

export interface Case {
  id: string;
  session: string;
  state: CaseState;
  reason: string;
  opened_at: string;
  decided_at: string | null;
  reserved: Money;
  refunded: Money;
  verdict: string;
}

/** A wallet that nothing more is set aside from. */
export interface Bar {
  account: string;
  why: string;
  at: string;
}

/** All accounts of one kind; amounts in micros. */
export interface TrialLine {
  chart: string;
  accounts: number;
  debits_posted: number;
  credits_posted: number;
  debits_pending: number;
  credits_pending: number;
  differing: number;
}

export interface TrialBalance {
  is_zero: boolean;
  posted_micros: number;
  pending_micros: number;
  lines: TrialLine[];
}
