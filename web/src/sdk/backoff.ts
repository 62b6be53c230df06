/**
 * How long to wait before the next attempt to connect.
 *
 * The first retry is at once, because most drops are a change of network; the last step stays well
 * inside the gateway's grace of 15 seconds. Pure: the random share is given by the caller.
 */

export const STEPS_MS = [0, 1_000, 2_000, 4_000, 7_000] as const;

/** Share of a step that is left to chance, so that a thousand apps do not come back as one. */
export const JITTER = 0.3;

/** Milliseconds before attempt number `attempt` (0 = first retry); `random` is in [0, 1). */
export function delayMs(attempt: number, random: number): number {
  const step = STEPS_MS[Math.min(attempt, STEPS_MS.length - 1)] ?? 7_000;
  return Math.round(step * (1 - JITTER + 2 * JITTER * random));
}

/** Wait. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
