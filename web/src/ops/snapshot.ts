/** The operator's readings, as the gateway gives them, and the few judgements the page makes. */

import type { Kind, Money, SessionState } from "../sdk/wire";

export interface LegReading {
  connected: boolean;
  socket: boolean;
  muted: boolean;
  rtp_age_ms: number | null;
  rtcp_age_ms: number | null;
  stun_age_ms: number | null;
  ack_age_ms: number | null;
  packets_in: number;
  packets_out: number;
  lost: number;
  jitter_ms: number;
  level_dbov: number | null;
  rtt_ms: number | null;
  /** How its voice is likely to sound, 1.0 to 4.4. */
  mos: number | null;
}

export interface LiveReading {
  session: string;
  kind: Kind;
  state: SessionState;
  client: string;
  provider: string;
  started_at: string | null;
  elapsed_s: number;
  billed_s: number;
  provisional_s: number;
  unwitnessed_s: number;
  cost: Money;
  time_left_s: number | null;
  suspended: string | null;
  legs: Partial<Record<"client" | "provider", LegReading | null>>;
  verdicts: number;
}

/** Whether the node takes new calls, and the figures it goes by; a mark of 0 is none. */
export interface Load {
  state: "open" | "full" | "draining";
  why: string[];
  for_s: number;
  refused: Record<string, number>;
  figures: { name: string; value: number; mark: number }[];
}

export interface Live {
  at: string;
  node: Record<string, unknown> & { load: Load };
  sessions: LiveReading[];
}

export interface Invariant {
  name: string;
  ok: boolean;
  value: unknown;
  checked_at?: string | null;
  violations: unknown;
}

export interface Invariants {
  ok: boolean;
  items: Invariant[];
}

export type Freshness = "good" | "warn" | "bad" | "none";

/** How an age stands against the longest silence that evidence may bracket. */
export function freshness(ageMs: number | null | undefined, limitMs: number): Freshness {
  if (ageMs === null || ageMs === undefined) return "none";
  if (ageMs <= limitMs / 2) return "good";
  return ageMs <= limitMs ? "warn" : "bad";
}

/** How a score sounds (ITU-T G.109: nearly all are satisfied, nearly all dissatisfied). */
export function hearing(mos: number | null): Freshness {
  if (mos === null || mos === undefined) return "none";
  if (mos >= 4.02) return "good";
  return mos >= 3.1 ? "warn" : "bad";
}

/** The newest sign of life of a leg, whatever it was. */
export function mediaAge(leg: LegReading): number | null {
  const ages = [leg.rtp_age_ms, leg.rtcp_age_ms, leg.stun_age_ms].filter(
    (age): age is number => age !== null,
  );
  return ages.length ? Math.min(...ages) : null;
}

/** Grade B is likely once seconds are missing a witness. */
export function gradeHint(session: LiveReading): "A" | "B" {
  return session.unwitnessed_s > 0 ? "B" : "A";
}

/** A number of violations, whether the gateway sends a count or the list. */
export function violationCount(invariant: Invariant): number {
  if (Array.isArray(invariant.violations)) return invariant.violations.length;
  return typeof invariant.violations === "number" ? invariant.violations : invariant.ok ? 0 : 1;
}

/** Any JSON value in one short line. */
export function shortText(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

export const MEDIA_GAP_MS = 8_000;
export const ACK_GAP_MS = 15_000;
