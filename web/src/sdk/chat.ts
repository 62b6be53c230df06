/**
 * The lines of one session's chat, as a pure reduction.
 *
 * One sequence over both paths: a line is known by its sender and id, so what arrives twice is
 * shown once. Own lines stand at the end until the gateway has given them a number.
 */

import type { ChatMessage, ChatState, ChatStatus, Side } from "./wire";

export type LineState = "sending" | "failed" | ChatState;

export interface ChatLine {
  id: string;
  seq: number | null;
  from: Side;
  text: string;
  at: string;
  state: LineState;
  /** Parts of it were hidden before it was delivered; `text` is what the other side saw. */
  isMasked: boolean;
  reason: string | null;
}

export type Chat = readonly ChatLine[];

/** A line this person has just written. */
export function written(chat: Chat, line: { id: string; from: Side; text: string; at: string }): Chat {
  return [...chat, { ...line, seq: null, state: "sending", isMasked: false, reason: null }];
}

/** A line the gateway delivered (also the own one, from history). */
export function delivered(chat: Chat, message: ChatMessage): Chat {
  const known = chat.find((line) => line.id === message.id && line.from === message.from);
  const line: ChatLine = {
    id: message.id,
    seq: message.seq,
    from: message.from,
    text: message.text,
    at: message.at,
    state: known && known.state !== "sending" && known.state !== "failed" ? known.state : "sent",
    isMasked: known?.isMasked ?? false,
    reason: known?.reason ?? null,
  };
  return sorted([...chat.filter((other) => other !== known), line]);
}

/** What became of an own line. */
export function statusOf(chat: Chat, own: Side, status: ChatStatus): Chat {
  return sorted(
    chat.map((line) => {
      if (line.from !== own) return line;
      if (line.id !== status.id) {
        // A read mark is for everything up to it.
        const upTo = status.state === "read" ? (status.seq ?? 0) : 0;
        return line.seq !== null && line.seq <= upTo ? raised(line, "read") : line;
      }
      return raised(
        {
          ...line,
          seq: status.seq ?? line.seq,
          text: status.text ?? line.text,
          isMasked: line.isMasked || status.state === "masked",
          reason: status.reason ?? line.reason,
        },
        status.state,
      );
    }),
  );
}

/** The line could not be handed over, or the gateway refused it with `reason`, a problem's code; it may be
 * sent again with the same id. */
export function failed(chat: Chat, id: string, reason: string | null = null): Chat {
  return chat.map((line) =>
    line.id === id && line.state === "sending" ? { ...line, state: "failed", reason } : line,
  );
}

/** Try once more. */
export function retried(chat: Chat, id: string): Chat {
  return chat.map((line) =>
    line.id === id && line.state === "failed" ? { ...line, state: "sending", reason: null } : line,
  );
}

/** The highest number seen, for asking what came after it. */
export function lastSeq(chat: Chat): number {
  return chat.reduce((highest, line) => Math.max(highest, line.seq ?? 0), 0);
}

/** The highest number of the other side, for the read mark. */
export function lastFromOther(chat: Chat, own: Side): number {
  return chat.reduce((highest, line) => (line.from === own ? highest : Math.max(highest, line.seq ?? 0)), 0);
}

const RANK: Record<LineState, number> = {
  failed: 0,
  sending: 0,
  sent: 1,
  masked: 1,
  blocked: 4,
  delivered: 2,
  read: 3,
};

/** States only go forward: a late `sent` must not undo `read`. */
function raised(line: ChatLine, state: LineState): ChatLine {
  return RANK[state] >= RANK[line.state] ? { ...line, state } : line;
}

function sorted(lines: ChatLine[]): Chat {
  const waiting = Number.MAX_SAFE_INTEGER;
  return lines
    .map((line, place) => ({ line, place }))
    .sort((a, b) => (a.line.seq ?? waiting) - (b.line.seq ?? waiting) || a.place - b.place)
    .map(({ line }) => line);
}
