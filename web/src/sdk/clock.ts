/**
 * Seconds, minutes and the gateway's time.
 *
 * Durations come from the gateway's ticks and are only formatted here. The difference between the
 * gateway's wall clock and this machine's is kept, so that a countdown ends when the gateway's does
 * even where the telephone's clock is wrong.
 */

/** `7` → `0:07`, `754` → `12:34`, `3723` → `1:02:03`. */
export function minutesAndSeconds(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Talk time with two digits for minutes, so that it does not jump at ten minutes. */
export function talkTime(seconds: number): string {
  const text = minutesAndSeconds(seconds);
  return text.length === 4 ? `0${text}` : text;
}

/** Remembers how far the gateway's clock is from this machine's. */
export class ServerClock {
  #offsetMs = 0;

  /** Note the gateway's time as just received. */
  observe(serverTime: string, nowMs: number): void {
    const at = Date.parse(serverTime);
    if (Number.isFinite(at)) this.#offsetMs = at - nowMs;
  }

  /** Whole seconds until `instant`, never negative. */
  secondsUntil(instant: string, nowMs: number): number {
    const at = Date.parse(instant);
    if (!Number.isFinite(at)) return 0;
    return Math.max(0, Math.ceil((at - (nowMs + this.#offsetMs)) / 1000));
  }
}
