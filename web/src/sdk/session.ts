/**
 * What a person sees of one session, as a pure reduction of the gateway's messages.
 *
 * Decides which screen belongs to which moment. Never talks to anybody: media is in `call.ts`, the
 * lines of text in `chat.ts`. Seconds and money are shown as the gateway says them.
 */

import type {
  ConsentKind,
  EndReason,
  IceServer,
  Money,
  Receipt,
  ResumableSession,
  ServerMessage,
  Session,
  SessionState,
  Side,
  SuspendReason,
  WarningReason,
} from "./wire";

export type Phase = "none" | "ringing" | "connecting" | "talking" | "ended";

export interface SessionView {
  phase: Phase;
  session: Session | null;
  side: Side;
  expiresAt: string | null;
  iceServers: IceServer[];
  nonce: string;
  startedAt: string | null;
  tick: number;
  billedS: number;
  provisionalS: number;
  cost: Money | null;
  earned: Money | null;
  timeLeftS: number | null;
  suspended: SuspendReason | null;
  warning: { secondsLeft: number; reason: WarningReason } | null;
  /** What the client is asked; the session ends when it is not answered in time. */
  question: { kind: ConsentKind; price: Money | null; spent: Money } | null;
  /** The last mark that the cost passed. */
  spent: Money | null;
  muted: boolean;
  otherMuted: boolean;
  otherLost: boolean;
  /** Another window of the same person holds the leg. */
  elsewhere: boolean;
  notice: { action: string; category: string | null } | null;
  endReason: EndReason | null;
  receipt: Receipt | null;
}

export function noSession(side: Side): SessionView {
  return {
    phase: "none",
    session: null,
    side,
    expiresAt: null,
    iceServers: [],
    nonce: "",
    startedAt: null,
    tick: 0,
    billedS: 0,
    provisionalS: 0,
    cost: null,
    earned: null,
    timeLeftS: null,
    suspended: null,
    warning: null,
    question: null,
    spent: null,
    muted: false,
    otherMuted: false,
    otherLost: false,
    elsewhere: false,
    notice: null,
    endReason: null,
    receipt: null,
  };
}

const PHASES: Record<SessionState, Phase> = {
  created: "ringing",
  ringing: "ringing",
  accepted: "connecting",
  connecting: "connecting",
  metering: "talking",
  suspended: "talking",
  recovering: "talking",
  ending: "ended",
  rated: "ended",
  settled: "ended",
  disputed: "ended",
  adjusted: "ended",
  declined: "ended",
  missed: "ended",
  cancelled: "ended",
  busy: "ended",
  connect_failed: "ended",
};

/** The moment a stored session is in. */
export function phaseOf(state: SessionState): Phase {
  return PHASES[state] ?? "ended";
}

/** Whether seconds ran already, so that nothing is left to confirm. */
export function hasStarted(state: SessionState): boolean {
  return phaseOf(state) === "talking";
}

/** Take up a session that `welcome` or an invitation names. */
export function adopt(view: SessionView, session: ResumableSession): SessionView {
  const fresh = view.session?.id === session.id ? view : noSession(view.side);
  return {
    ...fresh,
    session,
    phase: phaseOf(session.state),
    expiresAt: session.expires_at ?? fresh.expiresAt,
    nonce: session.nonce ?? fresh.nonce,
    startedAt: session.started_at ?? fresh.startedAt,
    iceServers: session.ice_servers ?? fresh.iceServers,
    suspended: session.state === "suspended" ? (fresh.suspended ?? "media_gap") : null,
  };
}

/** The next view after a message; messages about other sessions change nothing. */
export function reduce(view: SessionView, message: ServerMessage): SessionView {
  if (message.type === "session.ringing") return ringing(view, message);
  if (!view.session || !("session" in message) || message.session !== view.session.id) return view;
  if (view.phase === "ended") return view;
  switch (message.type) {
    case "session.accepted":
      return {
        ...view,
        phase: "connecting",
        session: {
          ...view.session,
          state: "accepted",
          tariff: message.tariff ?? view.session.tariff,
          tariff_hash: message.tariff_hash,
        },
        nonce: message.nonce,
        iceServers: message.ice_servers,
      };
    case "session.started":
      return { ...view, phase: "talking", startedAt: message.at, suspended: null };
    case "session.suspended":
      return { ...view, phase: "talking", suspended: message.reason };
    case "session.resumed":
      return { ...view, suspended: null };
    case "tick":
      return {
        ...view,
        phase: "talking",
        tick: Math.max(view.tick, message.tick),
        billedS: message.billed_s,
        provisionalS: message.provisional_s,
        cost: message.cost,
        earned: message.earned ?? view.earned,
        timeLeftS: message.time_left_s,
        warning: stillDue(view, message.time_left_s),
      };
    case "session.warning":
      return { ...view, warning: { secondsLeft: message.seconds_left, reason: message.reason } };
    case "session.spend":
      return { ...view, spent: message.spent };
    case "session.consent_asked":
      return {
        ...view,
        question: { kind: message.kind, price: message.price ?? null, spent: message.spent },
      };
    case "session.consented":
      return { ...view, question: null, warning: null };
    case "mute.changed":
      return message.from === view.side
        ? { ...view, muted: message.muted }
        : { ...view, otherMuted: message.muted };
    case "leg.lost":
      return message.side === view.side ? view : { ...view, otherLost: true };
    case "leg.back":
      return message.side === view.side ? view : { ...view, otherLost: false };
    case "leg.replaced":
      return { ...view, elsewhere: true };
    case "moderation.notice":
      return { ...view, notice: { action: message.action, category: message.category ?? null } };
    case "session.ended":
      return { ...view, phase: "ended", endReason: message.reason, receipt: message.receipt };
    default:
      return view;
  }
}

function ringing(
  view: SessionView,
  message: Extract<ServerMessage, { type: "session.ringing" }>,
): SessionView {
  const isBusyHere =
    view.phase !== "none" && view.phase !== "ended" && view.session?.id !== message.session.id;
  const side = message.side ?? message.session.side ?? view.side;
  if (isBusyHere || side !== view.side) return view;
  return {
    ...noSession(view.side),
    session: message.session,
    phase: "ringing",
    expiresAt: message.expires_at,
  };
}

/** A top-up that lifts the time left well above the warning takes the warning away. */
function stillDue(view: SessionView, timeLeftS: number | null): SessionView["warning"] {
  if (!view.warning || timeLeftS === null) return view.warning;
  return timeLeftS > view.warning.secondsLeft + 10 ? null : view.warning;
}

/** The person at the far end. */
export function otherParty(view: SessionView): { id: string; nickname: string } {
  const party = view.side === "client" ? view.session?.provider : view.session?.client;
  return { id: party?.id ?? party?.nickname ?? "", nickname: party?.nickname ?? "" };
}

/** Seconds on the big clock: those that count and those still waiting for their far bracket. */
export function shownSeconds(view: SessionView): number {
  return view.billedS + view.provisionalS;
}
