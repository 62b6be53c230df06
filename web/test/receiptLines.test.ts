import { beforeEach, describe, expect, it } from "vitest";
import { language } from "../src/i18n";
import type { Receipt, ReceiptLine } from "../src/sdk/wire";
import { lineName } from "../src/session/receiptLines";

const receipt = {
  tariff: {
    kind: "block",
    currency: "CNY",
    tiers: [],
    block: { length_s: 1800, price_micros: 60_000_000, overrun: "ask" },
    windows: [{ days: [1], from: "20:00", until: "24:00", tiers: [] }],
  },
} as unknown as Receipt;

describe("a line of a receipt", () => {
  beforeEach(() => {
    language.value = "en";
  });

  it.each<[Partial<ReceiptLine>, string]>([
    [{ code: "time", quantity: 12, unit: "s" }, "Time · 12 s"],
    [{ code: "time", quantity: 12, unit: "s", period: 1 }, "Time · 20:00 to 24:00 · 12 s"],
    [{ code: "block", quantity: 2, unit: "block", period: 0 }, "Prepaid time · 2 × 30:00"],
    [{ code: "messages", quantity: 5, unit: "message" }, "Messages · 5"],
    [{ code: "connect_fee", quantity: 1, unit: "" }, "Connection fee"],
    [{ code: "something_new", quantity: 1, unit: "" }, "something_new"],
  ])("%j reads %s", (line, words) => {
    expect(lineName({ amount_micros: 0, code: "", quantity: 0, unit: "", ...line }, receipt)).toBe(words);
  });
});
