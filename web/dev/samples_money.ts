/** Made-up prices, receipts, payouts and books for the gallery. */

import type { Books } from "../src/ops/counter";
import type * as wire from "../src/sdk/wire";
import type { Case, Payout } from "../src/sdk/wire_money";
import { cny, receipt, session, tariff } from "./samples";

const blockTariff: wire.Tariff = {
  kind: "block",
  currency: "CNY",
  tiers: [],
  connect_fee_micros: 2_000_000,
  block: { length_s: 1800, price_micros: 60_000_000, overrun: "ask" },
};
export const eveningTariff: wire.Tariff = {
  ...tariff,
  zone: "Asia/Shanghai",
  windows: [
    {
      days: [1, 2, 3, 4, 5, 6, 7],
      from: "20:00",
      until: "24:00",
      tiers: [{ from_s: 0, price_micros_per_minute: 4_500_000 }],
    },
  ],
};

export const richOffers: wire.Offer[] = [
  {
    kind: "voice",
    tariff: blockTariff,
    tariff_hash: "c".repeat(64),
    price_micros_per_minute: 0,
    currency: "CNY",
  },
  {
    kind: "text",
    tariff: eveningTariff,
    tariff_hash: "d".repeat(64),
    price_micros_per_minute: 3_000_000,
    currency: "CNY",
  },
];

export const blockReceipt: wire.Receipt = {
  ...receipt,
  version: 2,
  tariff: blockTariff,
  lines: [
    { code: "connect_fee", quantity: 1, unit: "", amount_micros: 2_000_000, period: 0 },
    { code: "block", quantity: 2, unit: "block", amount_micros: 120_000_000, period: 0 },
  ],
  charge_micros: 122_000_000,
  cash_micros: 112_000_000,
  fee_micros: 24_400_000,
  earned_micros: 97_600_000,
  make_good_micros: 400_000,
  notes: [
    {
      grade: "B",
      why: "the client's app counted 741 s, the gateway 754 s",
      noted_at: "2026-11-21T20:27:02Z",
    },
  ],
};

export const eveningReceipt: wire.Receipt = {
  ...receipt,
  version: 2,
  tariff: eveningTariff,
  lines: [
    { code: "time", quantity: 400, unit: "s", amount_micros: 20_000_000, period: 0 },
    { code: "time", quantity: 354, unit: "s", amount_micros: 26_550_000, period: 1 },
  ],
  charge_micros: 46_550_000,
  promo_micros: 0,
  cash_micros: 46_550_000,
};

export const payouts: Payout[] = [
  ["requested", 300_000_000] as const,
  ["sent", 512_400_000] as const,
  ["returned", 90_000_000] as const,
].map(([state, micros], place) => ({
  id: `pay_${place}`,
  state,
  amount: cny(micros),
  fee: cny(place === 1 ? 2_000_000 : 0),
  net: cny(micros - (place === 1 ? 2_000_000 : 0)),
  requested_at: "2026-11-21T09:10:00Z",
  moved_at: "2026-11-21T09:10:00Z",
}));

export const contested: Case = {
  id: "cas_1",
  session: session.id,
  state: "open",
  reason: "对方一直没有说话 / nobody spoke for half of the time",
  opened_at: "2026-11-21T21:00:00Z",
  decided_at: null,
  reserved: cny(30_160_000),
  refunded: cny(0),
  verdict: "",
};

export const books: Books = {
  currency: "CNY",
  cases: [contested],
  payouts: payouts.slice(0, 2).map((payout) => ({
    ...payout,
    provider: "acc_01kav8r3m2q7",
    approvers: payout.state === "sent" ? ["acc_op1"] : [],
    reference: "",
  })),
  bars: [{ account: "acc_01kav8zz11b4", why: "no_wallet_below_zero", at: "2026-11-21T19:40:00Z" }],
  balance: {
    is_zero: true,
    posted_micros: 0,
    pending_micros: 0,
    lines: [
      ["bank", 1, 1_204_000_000, 512_400_000, 0, 0],
      ["client_cash", 214, 310_000_000, 690_000_000, 3_000_000, 0],
      ["client_promo", 12, 10_000_000, 40_000_000, 0, 0],
      ["holds_control", 1, 0, 0, 0, 3_000_000],
      ["provider_pending", 31, 0, 212_480_000, 0, 0],
      ["provider_available", 31, 0, 100_000_000, 0, 0],
      ["dispute_reserve", 1, 0, 30_160_000, 0, 0],
      ["platform_fee", 1, 0, 68_960_000, 0, 0],
    ].map(([chart, accounts, debits_posted, credits_posted, debits_pending, credits_pending]) => ({
      chart: String(chart),
      accounts: Number(accounts),
      debits_posted: Number(debits_posted),
      credits_posted: Number(credits_posted),
      debits_pending: Number(debits_pending),
      credits_pending: Number(credits_pending),
      differing: 0,
    })),
  },
};
