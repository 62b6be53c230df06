/**
 * A read-only view of the running app on `window.__gateway`, for tests and support.
 *
 * Shows what the person's own page already knows; holds no token and no text of the chat.
 */

export interface DebugView {
  readonly session: string | null;
  readonly phase: string;
  readonly socket: string;
  readonly call: string;
  readonly peer: string;
  readonly tick: number;
  readonly billed_s: number;
  readonly provisional_s: number;
  readonly time_left_s: number | null;
  readonly cost_micros: number | null;
  readonly inbound_packets: number;
  readonly inbound_energy: number;
  readonly frames_decoded: number;
  readonly video_bytes_sent: number;
  readonly first_heard_ms: number | null;
  readonly restarts: number;
  readonly rejoins: number;
  readonly acked: number;
}

/** Show `read()` as `window.__gateway`; every access reads anew. */
export function expose(read: () => DebugView): void {
  Object.defineProperty(window, "__gateway", { get: () => Object.freeze(read()), configurable: true });
}
