/**
 * The names and shapes of the wire: HTTP bodies and socket messages.
 *
 * Decides nothing. What the gateway may add later is ignored; what is optional here may be absent
 * in an older gateway. See docs/wire.md for the meaning of every field.
 */

export type Side = "client" | "provider";
export type Role = "client" | "provider" | "operator" | "integrator";
export type Kind = "voice" | "text" | "video";
export type PresenceState = "offline" | "online" | "paused" | "ringing" | "in_session";

export type SessionState =
  | "created"
  | "ringing"
  | "accepted"
  | "connecting"
  | "metering"
  | "suspended"
  | "recovering"
  | "ending"
  | "rated"
  | "settled"
  | "disputed"
  | "adjusted"
  | "declined"
  | "missed"
  | "cancelled"
  | "busy"
  | "connect_failed";

export type EndReason =
  | "hangup_client"
  | "hangup_provider"
  | "declined"
  | "missed"
  | "cancelled"
  | "busy"
  | "connect_failed"
  | "lost_client"
  | "lost_provider"
  | "funds"
  | "slot_end"
  | "max_duration"
  | "moderation"
  | "sos"
  | "operator"
  | "shutdown";

export type SuspendReason =
  | "media_gap"
  | "ack_gap"
  | "moderation"
  | "sos"
  | "operator"
  | "clock"
  | "restart"
  | "text_idle";

export type WarningReason = "funds" | "slot_end" | "max_duration" | "spend_limit" | "block_end";

/** What a client is asked to say yes to during a session. */
export type ConsentKind = "spend" | "block";

/** An amount in millionths of the currency unit. */
export interface Money {
  micros: number;
  currency: string;
}

export interface Tier {
  from_s: number;
  price_micros_per_minute: number;
}

export interface Tariff {
  version?: number;
  kind: string;
  currency: string;
  tiers: Tier[];
  connect_fee_micros?: number;
  free_s?: number;
  initial_block_s?: number;
  increment_s?: number;
  rounding?: "down" | "up";
  minimum_micros?: number;
  cap_micros?: number | null;
  free_if_ended_within_s?: number;
  zone?: string;
  windows?: { days: number[]; from: string; until: string; tiers: Tier[] }[];
  block?: { length_s: number; price_micros: number; overrun: "stop" | "per_second" | "ask" } | null;
  session_micros?: number;
  message_micros?: number;
  messages_free?: number;
  messages_from?: string;
  spend_notify_micros?: number | null;
  spend_consent_micros?: number | null;
  spend_stop_micros?: number | null;
}

export interface Account {
  id: string;
  nickname: string;
  brief?: string;
  roles: Role[];
  locale?: string;
}

export interface Party {
  id: string;
  nickname: string;
}

export interface Session {
  id: string;
  kind: Kind;
  state: SessionState;
  end_reason: EndReason | null;
  client: Partial<Party>;
  provider: Partial<Party>;
  tariff: Tariff;
  tariff_hash: string;
  created_at: string;
  expires_at?: string | null;
  side?: Side;
  started_at?: string | null;
}

export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

/** A live session as `welcome` lists it, with what is needed to take it up again. */
export interface ResumableSession extends Session {
  nonce?: string;
  ice_servers?: IceServer[];
}

export interface Offer {
  kind: Kind;
  tariff: Tariff;
  tariff_hash: string;
  price_micros_per_minute: number;
  currency: string;
}

export interface Provider {
  id: string;
  nickname: string;
  brief: string;
  presence: PresenceState;
  offers: Offer[];
}

export interface Quote {
  tariff: Tariff;
  tariff_hash: string;
  hold: Money;
  cost: Money;
  affordable_s: number;
}

export interface SignedIn {
  access_token: string;
  refresh_token: string;
  expires_in_s: number;
  account: Account;
}

export interface Wallet {
  available: Money;
  cash: Money;
  promo: Money;
  held: Money;
}

export interface WalletEntry {
  id: string;
  at: string;
  kind: string;
  amount: Money;
  session?: string | null;
  memo?: string | null;
}

export interface TopUp {
  id: string;
  state: "pending" | "succeeded" | "failed";
  pay_url?: string | null;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface EarningItem {
  session: string;
  at: string;
  billed_s: number;
  charge: Money;
  fee: Money;
  earned: Money;
  available_on?: string | null;
}

export interface Earnings extends Page<EarningItem> {
  pending: Money;
  available: Money;
  today: Money;
}

export interface ReceiptLine {
  code: string;
  quantity: number;
  unit: string;
  amount_micros: number;
  /** Which of the tariff's hours; 0 or absent for none of them. */
  period?: number | null;
}

/** What was found about a receipt after it was issued; signed by itself. */
export interface ReceiptNote {
  grade: string;
  why: string;
  noted_at: string;
}

export interface Receipt {
  version: number;
  receipt: string;
  session: string;
  kind: Kind;
  tariff: Tariff;
  tariff_hash: string;
  started_at: string | null;
  stopped_at: string | null;
  zone: string;
  billed_s: number;
  free_s: number;
  paused_s: number;
  unwitnessed_s: number;
  gaps: { from_tick: number; to_tick: number; finding: string; why: string }[];
  lines: ReceiptLine[];
  currency: string;
  charge_micros: number;
  promo_micros: number;
  cash_micros: number;
  fee_bp: number;
  fee_micros: number;
  earned_micros: number;
  grade: string;
  warnings: { seconds_left: number; reason: string; tick: number }[];
  end_reason: EndReason;
  evidence_head: string;
  messages?: number;
  make_good_micros?: number;
  notes?: ReceiptNote[];
  issuer?: { key_id: string; public_key: string };
  signature?: string;
}

export type ChatState = "sent" | "masked" | "blocked" | "delivered" | "read";

export interface ChatMessage {
  type: "chat.message";
  session: string;
  seq: number;
  from: Side;
  text: string;
  at: string;
  id: string;
}

export interface ChatStatus {
  type: "chat.status";
  session?: string;
  id: string;
  state: ChatState;
  seq?: number | null;
  text?: string | null;
  reason?: string | null;
}

export interface Tick {
  type: "tick";
  session: string;
  tick: number;
  billed_s: number;
  provisional_s: number;
  cost: Money;
  earned?: Money;
  time_left_s: number | null;
  head: string;
}

export interface Accepted {
  type: "session.accepted";
  session: string;
  side: Side;
  kind: Kind;
  tariff: Tariff;
  tariff_hash: string;
  ice_servers: IceServer[];
  nonce: string;
}

export interface Welcome {
  type: "welcome";
  account: Account;
  server_time: string;
  ping_s: number;
  dead_s: number;
  resume_token: string;
  sessions: ResumableSession[];
}

export interface ProblemMessage {
  type: "problem";
  re?: string;
  code: string;
  title: string;
  detail?: string;
  tariff?: Tariff;
  tariff_hash?: string;
  retry_after_s?: number;
}

export type ServerMessage =
  | Welcome
  | ProblemMessage
  | Accepted
  | Tick
  | ChatMessage
  | ChatStatus
  | { type: "ok"; re: string }
  | { type: "pong"; re: string; server_time: string }
  | { type: "presence"; provider_id: string; state: PresenceState }
  | { type: "session.ringing"; re?: string; session: Session; expires_at: string; side?: Side }
  | { type: "session.started"; session: string; at: string }
  | { type: "session.suspended"; session: string; reason: SuspendReason }
  | { type: "session.resumed"; session: string }
  | { type: "session.warning"; session: string; seconds_left: number; reason: WarningReason }
  | { type: "session.spend"; session: string; spent: Money }
  | {
      type: "session.consent_asked";
      session: string;
      kind: ConsentKind;
      seconds_left: number;
      spent: Money;
      price?: Money;
    }
  | { type: "session.consented"; session: string; kind: ConsentKind }
  | { type: "session.ended"; session: string; reason: EndReason; receipt: Receipt | null }
  | { type: "media.answer"; re: string; session: string; sdp: string }
  | { type: "mute.changed"; session: string; from: Side; muted: boolean }
  | { type: "leg.lost"; session: string; side: Side }
  | { type: "leg.back"; session: string; side: Side }
  | { type: "leg.replaced"; session: string }
  | { type: "chat.lines"; re: string; session: string; items: ChatMessage[] }
  | { type: "moderation.notice"; session: string; action: string; category?: string | null }
  | { type: "wallet"; available: Money };

export type ServerMessageOf<T extends ServerMessage["type"]> = Extract<ServerMessage, { type: T }>;

/** What an app may send; the id is added by the socket. */
export type ClientMessage = { type: string; id?: string } & Record<string, unknown>;
