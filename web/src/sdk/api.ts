/** The routes of the gateway that the pages use, one function each; shapes are in `wire.ts`. */

import type { Http } from "./http";
import type * as wire from "./wire";
import type { Case, Payout } from "./wire_money";

export class Api {
  readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  requestCode(phone: string): Promise<{ expires_in_s: number; demo_code: string | null }> {
    return this.http.call("POST", "/auth/otp", { body: { phone }, open: true });
  }

  async verifyCode(phone: string, code: string): Promise<wire.SignedIn> {
    const body = { phone, code };
    const answer = await this.http.call<wire.SignedIn>("POST", "/auth/otp/verify", { body, open: true });
    this.http.vault.keep(answer);
    return answer;
  }

  me(): Promise<wire.Account> {
    return this.http.call("GET", "/me");
  }

  changeMe(change: { nickname?: string; brief?: string; locale?: string }): Promise<wire.Account> {
    return this.http.call("PATCH", "/me", { body: change });
  }

  providers(cursor: string | null = null): Promise<wire.Page<wire.Provider>> {
    return this.http.call("GET", `/providers${query({ limit: "50", cursor })}`, { open: true });
  }

  provider(id: string): Promise<wire.Provider> {
    return this.http.call("GET", `/providers/${encodeURIComponent(id)}`, { open: true });
  }

  quote(provider_id: string, kind: wire.Kind, seconds: number): Promise<wire.Quote> {
    return this.http.call("POST", "/quotes", { body: { provider_id, kind, seconds } });
  }

  sessions(cursor: string | null = null): Promise<wire.Page<wire.Session>> {
    return this.http.call("GET", `/sessions${query({ limit: "20", cursor })}`);
  }

  session(id: string): Promise<wire.Session> {
    return this.http.call("GET", `/sessions/${encodeURIComponent(id)}`);
  }

  receipt(session: string): Promise<wire.Receipt> {
    return this.http.call("GET", `/sessions/${encodeURIComponent(session)}/receipt`);
  }

  evidence(session: string): Promise<unknown> {
    return this.http.call("GET", `/sessions/${encodeURIComponent(session)}/evidence`);
  }

  wallet(): Promise<wire.Wallet> {
    return this.http.call("GET", "/wallet");
  }

  walletEntries(cursor: string | null = null): Promise<wire.Page<wire.WalletEntry>> {
    return this.http.call("GET", `/wallet/entries${query({ limit: "20", cursor })}`);
  }

  topUp(amount: wire.Money, idempotencyKey: string): Promise<wire.TopUp> {
    return this.http.call("POST", "/wallet/topups", { body: { amount, method: "sandbox" }, idempotencyKey });
  }

  topUpState(id: string): Promise<wire.TopUp> {
    return this.http.call("GET", `/wallet/topups/${encodeURIComponent(id)}`);
  }

  /** Answer the sandbox payment page in the person's stead. */
  paySandbox(id: string, outcome: "approve" | "decline"): Promise<{ state: string }> {
    return this.http.raw("POST", `/sandbox/pay/${encodeURIComponent(id)}`, { body: { outcome }, open: true });
  }

  earnings(cursor: string | null = null): Promise<wire.Earnings> {
    return this.http.call("GET", `/provider/earnings${query({ limit: "20", cursor })}`);
  }

  offers(): Promise<{ items: wire.Offer[] }> {
    return this.http.call("GET", "/provider/offers");
  }

  /** Set one's own price; terms that are left out take their default. */
  setOffer(kind: wire.Kind, tariff: Record<string, unknown>): Promise<wire.Offer> {
    return this.http.call("PUT", `/provider/offers/${kind}`, { body: { tariff } });
  }

  payouts(): Promise<{ items: Payout[] }> {
    return this.http.call("GET", "/provider/payouts");
  }

  requestPayout(amount: wire.Money, idempotencyKey: string): Promise<Payout> {
    return this.http.call("POST", "/provider/payouts", { body: { amount }, idempotencyKey });
  }

  /** Contest a session; asked again, the gateway answers with the same case. */
  openCase(session: string, reason: string): Promise<Case> {
    return this.http.call("POST", "/cases", { body: { session, reason } });
  }
}

function query(values: Record<string, string | null>): string {
  const filled = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== null);
  return filled.length ? `?${new URLSearchParams(filled)}` : "";
}
