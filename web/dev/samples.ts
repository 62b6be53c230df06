/** Made-up people, sessions and readings for the gallery. */

import type { Invariants, LegReading, Live } from "../src/ops/snapshot";
import type { Chat } from "../src/sdk/chat";
import { noSession, type SessionView } from "../src/sdk/session";
import type * as wire from "../src/sdk/wire";

export const cny = (micros: number): wire.Money => ({ micros, currency: "CNY" });

export const tariff: wire.Tariff = {
  kind: "per_second",
  currency: "CNY",
  tiers: [{ from_s: 0, price_micros_per_minute: 3_000_000 }],
  free_if_ended_within_s: 10,
};

const offers = (voice: number, text: number): wire.Offer[] =>
  [["voice", voice] as const, ["text", text] as const].map(([kind, price]) => ({
    kind,
    tariff: { ...tariff, tiers: [{ from_s: 0, price_micros_per_minute: price }] },
    tariff_hash: "b".repeat(64),
    price_micros_per_minute: price,
    currency: "CNY",
  }));

const person = (
  id: string,
  nickname: string,
  brief: string,
  presence: wire.PresenceState,
  voice: number,
): wire.Provider => ({ id, nickname, brief, presence, offers: offers(voice, voice / 3) });

export const providers: wire.Provider[] = [
  person("acc_p1", "林月 Lin Yue", "夜里睡不着的时候，陪您聊聊天。Late-night company.", "online", 3_000_000),
  person(
    "acc_p2",
    "Daniel Osei",
    "English tutor, ten years of practice. Patient with beginners.",
    "in_session",
    4_500_000,
  ),
  person("acc_p3", "陈思远", "职场咨询：面试、谈薪、转行。", "online", 6_000_000),
  person("acc_p4", "Mara Whitfield", "Reading companion. Novels, poems, letters.", "offline", 2_000_000),
  person("acc_p5", "周小溪", "考研英语口语陪练。", "paused", 2_500_000),
];

export const account: wire.Account = { id: "acc_c1", nickname: "Guest 4821", roles: ["client"] };

export const session: wire.Session = {
  id: "ses_01kav8r3m2",
  kind: "voice",
  state: "metering",
  end_reason: null,
  client: { id: "acc_c1", nickname: "Guest 4821" },
  provider: { id: "acc_p1", nickname: "林月 Lin Yue" },
  tariff,
  tariff_hash: "b".repeat(64),
  created_at: "2026-11-21T20:13:38.125Z",
};

export function view(side: wire.Side, change: Partial<SessionView> = {}): SessionView {
  return {
    ...noSession(side),
    session,
    phase: "talking",
    tick: 754,
    billedS: 752,
    provisionalS: 2,
    cost: cny(37_650_000),
    earned: side === "provider" ? cny(30_120_000) : null,
    timeLeftS: 1846,
    ...change,
  };
}

export const chat: Chat = [
  {
    id: "1",
    seq: 1,
    from: "provider",
    text: "晚上好，听得清吗？",
    at: "",
    state: "read",
    isMasked: false,
    reason: null,
  },
  {
    id: "2",
    seq: 2,
    from: "client",
    text: "很清楚。Thank you for picking up so late.",
    at: "",
    state: "read",
    isMasked: false,
    reason: null,
  },
  {
    id: "3",
    seq: 3,
    from: "provider",
    text: "https://… 我把那首诗的链接发给您，慢慢看。",
    at: "",
    state: "read",
    isMasked: false,
    reason: null,
  },
  {
    id: "4",
    seq: 4,
    from: "client",
    text: "my number is ***********",
    at: "",
    state: "masked",
    isMasked: true,
    reason: "contact",
  },
  {
    id: "5",
    seq: null,
    from: "client",
    text: "加我微信",
    at: "",
    state: "blocked",
    isMasked: false,
    reason: "contact",
  },
  {
    id: "6",
    seq: 5,
    from: "client",
    text: "好的，我看看。",
    at: "",
    state: "delivered",
    isMasked: false,
    reason: null,
  },
];

export const receipt: wire.Receipt = {
  version: 1,
  receipt: "rcp_01kav9t7qz",
  session: session.id,
  kind: "voice",
  tariff,
  tariff_hash: "b".repeat(64),
  started_at: "2026-11-21T20:13:44.000Z",
  stopped_at: "2026-11-21T20:26:31.000Z",
  zone: "UTC",
  billed_s: 754,
  free_s: 0,
  paused_s: 12,
  unwitnessed_s: 1,
  gaps: [{ from_tick: 311, to_tick: 323, finding: "paused", why: "media_gap" }],
  lines: [{ code: "time", quantity: 754, unit: "s", amount_micros: 37_700_000 }],
  currency: "CNY",
  charge_micros: 37_700_000,
  promo_micros: 10_000_000,
  cash_micros: 27_700_000,
  fee_bp: 2000,
  fee_micros: 7_540_000,
  earned_micros: 30_160_000,
  grade: "A",
  warnings: [],
  end_reason: "hangup_client",
  evidence_head: "9f3c2b7a1d5e8f60a4b19c3d7e2f5a8b0c6d1e4f7a2b5c8d9e0f1a3b6c7d8e9f",
  issuer: { key_id: "k1", public_key: "00" },
  signature: "00",
};

export const wallet: wire.Wallet = {
  available: cny(86_400_000),
  cash: cny(76_400_000),
  promo: cny(10_000_000),
  held: cny(3_000_000),
};

export const entries: wire.WalletEntry[] = [
  { id: "e3", at: "2026-11-21T20:26:32Z", kind: "settle", amount: cny(-37_700_000), session: session.id },
  { id: "e2", at: "2026-11-21T19:02:10Z", kind: "top_up", amount: cny(100_000_000) },
  { id: "e1", at: "2026-11-20T08:00:00Z", kind: "promo_grant", amount: cny(10_000_000) },
];

export const sessions: wire.Session[] = [
  { ...session, state: "settled", end_reason: "hangup_client" },
  {
    ...session,
    id: "ses_2",
    kind: "text",
    state: "settled",
    end_reason: "funds",
    provider: { id: "acc_p3", nickname: "陈思远" },
  },
  {
    ...session,
    id: "ses_3",
    state: "missed",
    end_reason: "missed",
    provider: { id: "acc_p2", nickname: "Daniel Osei" },
  },
];

export const earnings: wire.Earnings = {
  pending: cny(212_480_000),
  available: cny(1_204_000_000),
  today: cny(96_320_000),
  items: [
    {
      session: session.id,
      at: "2026-11-21T20:26:32Z",
      billed_s: 754,
      charge: cny(37_700_000),
      fee: cny(7_540_000),
      earned: cny(30_160_000),
      available_on: "2026-11-28T20:26:32Z",
    },
    {
      session: "ses_9",
      at: "2026-11-21T18:10:00Z",
      billed_s: 1651,
      charge: cny(82_550_000),
      fee: cny(16_510_000),
      earned: cny(66_040_000),
      available_on: "2026-11-28T18:10:00Z",
    },
  ],
  next: null,
};

const leg = (change: Partial<LegReading> = {}): LegReading => ({
  connected: true,
  socket: true,
  muted: false,
  rtp_age_ms: 14,
  rtcp_age_ms: 820,
  stun_age_ms: 1911,
  ack_age_ms: 402,
  packets_in: 37_701,
  packets_out: 37_688,
  lost: 3,
  jitter_ms: 2.4,
  level_dbov: -31,
  rtt_ms: 48.2,
  mos: 4.32,
  ...change,
});

export const live: Live = {
  at: "2026-11-21T20:26:31.125Z",
  node: {
    uptime_s: 84_211,
    sessions_live: 2,
    loop_lag_ms: 1.2,
    store_queue: 0,
    store_commits: 90_121,
    packets_in: 1_204_118,
    packets_out: 1_204_090,
    drops: { unlatched: 12 },
    tick_lag_ms: 3.1,
    version: "0.1.0",
    relay: "native",
    load: {
      state: "open",
      why: [],
      for_s: 3_905,
      refused: { cpu: 12 },
      figures: [
        { name: "sessions", value: 2, mark: 2_000 },
        { name: "cpu", value: 31.4, mark: 95 },
        { name: "loop_lag", value: 10, mark: 250 },
        { name: "tick_lag", value: 30, mark: 500 },
        { name: "socket_drops", value: 0, mark: 50 },
      ],
    },
  },
  sessions: [
    {
      session: session.id,
      kind: "voice",
      state: "metering",
      client: "Guest 4821",
      provider: "林月 Lin Yue",
      started_at: "2026-11-21T20:13:44Z",
      elapsed_s: 767,
      billed_s: 752,
      provisional_s: 2,
      unwitnessed_s: 0,
      cost: cny(37_600_000),
      time_left_s: 1846,
      suspended: null,
      legs: { client: leg({ mos: 3.4, rtt_ms: 212 }), provider: leg({ muted: true, rtp_age_ms: 4_120 }) },
      verdicts: 1,
    },
    {
      session: "ses_01kav9aa01",
      kind: "text",
      state: "suspended",
      client: "小赵",
      provider: "Daniel Osei",
      started_at: "2026-11-21T20:20:00Z",
      elapsed_s: 391,
      billed_s: 320,
      provisional_s: 0,
      unwitnessed_s: 4,
      cost: cny(8_000_000),
      time_left_s: 95,
      suspended: "media_gap",
      legs: {
        client: leg({
          connected: false,
          socket: false,
          rtp_age_ms: null,
          rtcp_age_ms: null,
          stun_age_ms: 12_300,
          ack_age_ms: 13_900,
          level_dbov: null,
          rtt_ms: null,
          mos: null,
        }),
        provider: leg({ rtp_age_ms: null, mos: null }),
      },
      verdicts: 0,
    },
  ],
};

export const liveFull: Live = {
  ...live,
  node: {
    ...live.node,
    load: {
      ...live.node.load,
      state: "full",
      why: ["cpu", "socket_drops"],
      for_s: 42,
      figures: live.node.load.figures.map((figure) =>
        figure.name === "cpu"
          ? { ...figure, value: 97.6 }
          : figure.name === "socket_drops"
            ? { ...figure, value: 61 }
            : figure,
      ),
    },
  },
};

export const invariants: Invariants = {
  ok: false,
  items: [
    ["posted_debits_equal_credits", true, 0],
    ["no_wallet_below_zero", true, 214],
    ["pending_equals_open_holds", true, "3000000"],
    ["every_hold_ends_once", true, 1_204],
    ["provider_and_fee_equal_charge", false, 1],
    ["balances_equal_replay", true, 1_198],
    ["settled_amount_is_the_price", true, 0],
    ["evidence_chains_verify", true, 0],
  ].map(([name, ok, value]) => ({
    name: String(name),
    ok: Boolean(ok),
    value,
    checked_at: "2026-11-21T20:26:30Z",
    violations: ok ? [] : ["session ses_01kav8r3m2: provider and fee are 1 micro short of the charge"],
  })),
};
