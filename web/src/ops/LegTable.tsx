/** Both legs side by side: how fresh each kind of evidence is, and how the media does. */

import { t } from "../i18n";
import {
  ACK_GAP_MS,
  type Freshness,
  freshness,
  hearing,
  type LegReading,
  type LiveReading,
  MEDIA_GAP_MS,
} from "./snapshot";

interface Props {
  legs: LiveReading["legs"];
  names: { client: string; provider: string };
}

type Cell = { text: string; state: Freshness };

const ROWS: [Parameters<typeof t>[0], (leg: LegReading) => Cell][] = [
  ["ops.leg.media", (leg) => upOrDown(leg.connected, leg.muted)],
  ["ops.leg.socket", (leg) => upOrDown(leg.socket, false)],
  ["ops.leg.rtp", (leg) => age(leg.rtp_age_ms, MEDIA_GAP_MS, leg.muted)],
  ["ops.leg.rtcp", (leg) => age(leg.rtcp_age_ms, MEDIA_GAP_MS * 2, true)],
  ["ops.leg.stun", (leg) => age(leg.stun_age_ms, MEDIA_GAP_MS, false)],
  ["ops.leg.ack", (leg) => age(leg.ack_age_ms, ACK_GAP_MS, false)],
  ["ops.leg.loss", (leg) => plain(String(leg.lost))],
  ["ops.leg.jitter", (leg) => plain(t("ops.ms", { count: Math.round(leg.jitter_ms) }))],
  ["ops.leg.rtt", (leg) => plain(milliseconds(leg.rtt_ms))],
  ["ops.leg.mos", (leg) => ({ text: leg.mos?.toFixed(1) ?? "–", state: hearing(leg.mos) })],
  ["ops.leg.level", (leg) => plain(leg.level_dbov === null ? "–" : `${leg.level_dbov} dBov`)],
  ["ops.leg.packets", (leg) => plain(`${leg.packets_in} / ${leg.packets_out}`)],
];

export function LegTable({ legs, names }: Props) {
  return (
    <table class="legs">
      <thead>
        <tr>
          <td />
          <th scope="col">
            {t("ops.client")} <span class="note">{names.client}</span>
          </th>
          <th scope="col">
            {t("ops.provider")} <span class="note">{names.provider}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {ROWS.map(([key, read]) => (
          <tr key={key}>
            <th scope="row">{t(key)}</th>
            <LegCell leg={legs.client} read={read} />
            <LegCell leg={legs.provider} read={read} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function LegCell({ leg, read }: { leg: LegReading | null | undefined; read: (leg: LegReading) => Cell }) {
  if (!leg) return <td class="fresh-none">–</td>;
  const cell = read(leg);
  return <td class={`fresh-${cell.state}`}>{cell.text}</td>;
}

function upOrDown(isUp: boolean, isMuted: boolean): Cell {
  const muted = isMuted ? ` · ${t("ops.leg.muted")}` : "";
  return { text: t(isUp ? "ops.leg.up" : "ops.leg.down") + muted, state: isUp ? "good" : "bad" };
}

/** An age; where silence is expected, an old one is not marked as bad. */
function age(ms: number | null, limitMs: number, maySilent: boolean): Cell {
  if (ms === null || ms === undefined) return { text: t("ops.never"), state: "none" };
  const state = freshness(ms, limitMs);
  return {
    text: t("ops.ms", { count: Math.round(ms) }),
    state: maySilent && state !== "good" ? "none" : state,
  };
}

function milliseconds(ms: number | null): string {
  return ms === null || ms === undefined ? "–" : t("ops.ms", { count: Math.round(ms) });
}

function plain(text: string): Cell {
  return { text, state: "none" };
}
