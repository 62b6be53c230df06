/**
 * The app's own count of a session's seconds, reported after the end.
 *
 * Runs on this machine's clock from `session.started` to the last tick that arrived, less the time
 * it was suspended: an independent measure, but one that ends where the gateway stopped counting,
 * not where the receipt arrived. Kept in the tab's storage so that a reload does not start it anew.
 */

interface Run {
  session: string;
  startedMs: number;
  lastTickMs: number;
  suspendedMs: number;
  suspendedSinceMs: number | null;
}

const KEY = "gateway.own-clock";

export class OwnClock {
  #run: Run | null;
  readonly #store: Storage;

  constructor(store: Storage) {
    this.#store = store;
    this.#run = read(store);
  }

  started(session: string, nowMs: number): void {
    if (this.#run?.session === session) return;
    this.#run = { session, startedMs: nowMs, lastTickMs: nowMs, suspendedMs: 0, suspendedSinceMs: null };
    this.#keep();
  }

  ticked(session: string, nowMs: number): void {
    const run = this.#of(session);
    if (!run) return;
    run.lastTickMs = nowMs;
    this.#keep();
  }

  suspended(session: string, nowMs: number): void {
    const run = this.#of(session);
    if (!run || run.suspendedSinceMs !== null) return;
    run.suspendedSinceMs = nowMs;
    this.#keep();
  }

  resumed(session: string, nowMs: number): void {
    const run = this.#of(session);
    if (!run || run.suspendedSinceMs === null) return;
    run.suspendedMs += nowMs - run.suspendedSinceMs;
    run.suspendedSinceMs = null;
    run.lastTickMs = nowMs;
    this.#keep();
  }

  /** Whole seconds of talk; null where this app never saw the session start. */
  seconds(session: string): number | null {
    const run = this.#of(session);
    if (!run) return null;
    const until =
      run.suspendedSinceMs === null ? run.lastTickMs : Math.min(run.lastTickMs, run.suspendedSinceMs);
    return Math.max(0, Math.round((until - run.startedMs - run.suspendedMs) / 1000));
  }

  #of(session: string): Run | null {
    return this.#run?.session === session ? this.#run : null;
  }

  #keep(): void {
    this.#store.setItem(KEY, JSON.stringify(this.#run));
  }
}

function read(store: Storage): Run | null {
  try {
    return JSON.parse(store.getItem(KEY) ?? "null") as Run | null;
  } catch {
    return null;
  }
}
