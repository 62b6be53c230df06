import { beforeEach, describe, expect, it } from "vitest";
import { language } from "../src/i18n";
import type { Tariff } from "../src/sdk/wire";
import { fullPrice, furtherTerms, shortPrice } from "../src/session/terms";

const plain: Tariff = {
  kind: "per_second",
  currency: "CNY",
  tiers: [{ from_s: 0, price_micros_per_minute: 3_000_000 }],
};

describe("a tariff in words", () => {
  beforeEach(() => {
    language.value = "en";
  });

  it("names the plain price per minute and how it is counted", () => {
    expect(shortPrice(plain)).toBe("¥3.00/min");
    expect(fullPrice(plain)).toBe("¥3.00 per minute, counted by the second");
    expect(furtherTerms(plain)).toEqual([]);
  });

  it("names steps and which way they are rounded", () => {
    const up: Tariff = { ...plain, kind: "per_minute", increment_s: 60, rounding: "up" };
    expect(fullPrice(up)).toBe("¥3.00 per minute, counted in started steps of 1:00");
    expect(fullPrice({ ...up, rounding: "down" })).toContain("full steps");
  });

  it("names the other kinds by what they charge for", () => {
    const block = { length_s: 1800, price_micros: 30_000_000, overrun: "ask" as const };
    expect(shortPrice({ ...plain, kind: "block", block })).toBe("¥30.00 for 30:00");
    expect(shortPrice({ ...plain, kind: "per_session", session_micros: 20_000_000 })).toBe(
      "¥20.00 for the session",
    );
    expect(shortPrice({ ...plain, kind: "per_message", message_micros: 500_000 })).toBe("¥0.50 per message");
    expect(furtherTerms({ ...plain, kind: "block", block })).toEqual([
      "You are asked before the next block is bought",
    ]);
  });

  it("lists every further term once and leaves out what does not apply", () => {
    const rich: Tariff = {
      ...plain,
      tiers: [...plain.tiers, { from_s: 600, price_micros_per_minute: 2_000_000 }],
      connect_fee_micros: 1_000_000,
      free_s: 0,
      minimum_micros: 2_000_000,
      cap_micros: null,
      zone: "Asia/Shanghai",
      windows: [
        {
          days: [1],
          from: "20:00",
          until: "23:00",
          tiers: [{ from_s: 0, price_micros_per_minute: 5_000_000 }],
        },
      ],
      spend_notify_micros: null,
      spend_stop_micros: 50_000_000,
    };
    expect(furtherTerms(rich)).toEqual([
      "Connection fee ¥1.00",
      "At least ¥2.00",
      "From 10:00 on: ¥2.00 per minute",
      "20:00 to 23:00 (Asia/Shanghai): ¥5.00 per minute",
      "The session ends at ¥50.00 at the latest",
    ]);
  });
});
