/** Asks for fresh readings each second; one question at a time, so that a slow answer is not piled on. */

import { signal } from "@preact/signals";
import type { Http } from "../sdk/http";
import { Problem } from "../sdk/problem";
import type { Invariants, Live } from "./snapshot";

const EVERY_MS = 1_000;

export class Watch {
  readonly live = signal<Live | null>(null);
  readonly invariants = signal<Invariants | null>(null);
  readonly problem = signal<Problem | null>(null);
  /** Seconds since the last good answer. */
  readonly staleS = signal(0);
  #timer = 0;
  #isAsking = false;
  #answeredMs = performance.now();
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  start(): () => void {
    void this.#ask();
    this.#timer = setInterval(() => {
      this.staleS.value = Math.floor((performance.now() - this.#answeredMs) / 1000);
      void this.#ask();
    }, EVERY_MS);
    return () => clearInterval(this.#timer);
  }

  async intervene(session: string, action: "end" | "pause" | "resume", reason: string): Promise<void> {
    const path = `/admin/sessions/${encodeURIComponent(session)}/${action}`;
    await this.#http.call("POST", path, { body: { reason } });
    await this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || document.visibilityState === "hidden") return;
    this.#isAsking = true;
    try {
      const [live, invariants] = await Promise.all([
        this.#http.call<Live>("GET", "/admin/live"),
        this.#http.call<Invariants>("GET", "/admin/invariants"),
      ]);
      this.live.value = live;
      this.invariants.value = invariants;
      this.problem.value = null;
      this.#answeredMs = performance.now();
      this.staleS.value = 0;
    } catch (thrown) {
      this.problem.value = Problem.from(thrown);
    } finally {
      this.#isAsking = false;
    }
  }
}
