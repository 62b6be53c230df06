/**
 * What arrives from the other side, read from a statistics report of the browser.
 *
 * Pure: a report in, numbers out. "Heard" means that authenticated voice packets arrive, not that
 * somebody speaks: silence is also a conversation.
 */

export interface Inbound {
  packets: number;
  lost: number;
  jitterMs: number;
  /** 0 to 1, as heard a moment ago. */
  level: number;
  /** Grows with loudness and time (W3C webrtc-stats, `totalAudioEnergy`). */
  energy: number;
  roundTripMs: number | null;
  /** Pictures of the other side that were decoded. */
  frames: number;
  /** Bytes of video sent, repairs left out. */
  videoBytesSent: number;
}

export const NOTHING: Inbound = {
  packets: 0,
  lost: 0,
  jitterMs: 0,
  level: 0,
  energy: 0,
  roundTripMs: null,
  frames: 0,
  videoBytesSent: 0,
};

type Entry = Record<string, unknown> & { type?: string };

/** Sum the inbound voices of a report, and what of pictures both ways shows that they move. */
export function inboundOf(report: Iterable<Entry>): Inbound {
  const seen = { ...NOTHING };
  for (const entry of report) {
    if (entry.type === "inbound-rtp" && entry.kind === "audio") {
      seen.packets += number(entry.packetsReceived);
      seen.lost += number(entry.packetsLost);
      seen.jitterMs = Math.round(number(entry.jitter) * 1000);
      seen.level = Math.max(seen.level, number(entry.audioLevel));
      seen.energy += number(entry.totalAudioEnergy);
    }
    if (entry.type === "inbound-rtp" && entry.kind === "video") seen.frames += number(entry.framesDecoded);
    if (entry.type === "outbound-rtp" && entry.kind === "video") {
      seen.videoBytesSent += number(entry.bytesSent) - number(entry.retransmittedBytesSent);
    }
    if (entry.type === "candidate-pair" && entry.nominated === true && "currentRoundTripTime" in entry) {
      seen.roundTripMs = Math.round(number(entry.currentRoundTripTime) * 1000);
    }
  }
  return seen;
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
