/**
 * What went wrong, with the code the pages translate.
 *
 * The gateway's problems (RFC 9457 over HTTP, `problem` on the socket) and the browser's own
 * failures (no network, no microphone) end up in this one class. The words shown to a person are
 * in `i18n/`, never here.
 */

import type { Tariff } from "./wire";

export interface ProblemFacts {
  code: string;
  title?: string | undefined;
  detail?: string | undefined;
  status?: number | undefined;
  retryAfterS?: number | undefined;
  /** Which term of a tariff it is about. */
  field?: string | undefined;
  tariff?: Tariff | undefined;
  tariffHash?: string | undefined;
}

export class Problem extends Error {
  readonly code: string;
  readonly detail: string;
  readonly status: number;
  readonly retryAfterS: number | null;
  readonly field: string | null;
  readonly tariff: Tariff | null;
  readonly tariffHash: string | null;

  constructor(facts: ProblemFacts) {
    super(facts.title ?? facts.code);
    this.name = "Problem";
    this.code = facts.code;
    this.detail = facts.detail ?? "";
    this.status = facts.status ?? 0;
    this.retryAfterS = facts.retryAfterS ?? null;
    this.field = facts.field ?? null;
    this.tariff = facts.tariff ?? null;
    this.tariffHash = facts.tariffHash ?? null;
  }

  /** Any thrown value as a problem; what is not one already is `unexpected`. */
  static from(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown;
    return new Problem({ code: "unexpected", detail: thrown instanceof Error ? thrown.message : "" });
  }
}
