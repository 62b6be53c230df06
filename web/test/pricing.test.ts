import { describe, expect, it } from "vitest";
import { draftOf, fieldOfTerm, fieldsOf, kindsFor, termsOf, wrongs } from "../src/provider/pricing";
import type { Tariff } from "../src/sdk/wire";

const plain: Tariff = {
  version: 1,
  kind: "per_second",
  currency: "CNY",
  tiers: [
    { from_s: 0, price_micros_per_minute: 3_000_000 },
    { from_s: 600, price_micros_per_minute: 2_000_000 },
  ],
  connect_fee_micros: 500_000,
  free_s: 30,
};
const empty = draftOf(null);

describe("a price as typed", () => {
  it("begins with the present price", () => {
    expect(draftOf(plain)).toMatchObject({ kind: "per_second", price: "3.00", fee: "0.50" });
    const block: Tariff = {
      ...plain,
      kind: "block",
      tiers: [],
      block: { length_s: 1800, price_micros: 60_000_000, overrun: "stop" },
    };
    expect(draftOf(block)).toMatchObject({ price: "60.00", minutes: "30", overrun: "stop" });
  });

  it("offers messages for text only", () => {
    expect(kindsFor("voice")).not.toContain("per_message");
    expect(kindsFor("text")).toContain("per_message");
  });

  it("asks for the price after a block only where it goes on", () => {
    expect(fieldsOf({ ...empty, kind: "block", overrun: "ask" })).not.toContain("after");
    expect(fieldsOf({ ...empty, kind: "block", overrun: "per_second" })).toContain("after");
  });

  it.each([
    [{ price: "" }, { price: "amount" }],
    [{ price: "3.005" }, { price: "amount" }],
    [{ price: "0" }, { price: "zero" }],
    [{ price: "3", fee: "x" }, { fee: "amount" }],
    [{ price: "3", kind: "block" as const, minutes: "0" }, { minutes: "minutes" }],
    [{ price: "3", kind: "block" as const, minutes: "1.5" }, { minutes: "minutes" }],
    [{ price: "3", kind: "per_message" as const, free: "-1" }, { free: "free" }],
    [{ price: "3" }, {}],
  ])("%j is wrong in %j", (change, wrong) => {
    expect(wrongs({ ...empty, ...change }, "CNY")).toEqual(wrong);
  });
});

describe("the terms it becomes", () => {
  it("keeps what the form has no field for, but not the version", () => {
    const terms = termsOf({ ...draftOf(plain), price: "4" }, plain, "CNY");
    expect(terms).not.toHaveProperty("version");
    expect(terms).toMatchObject({
      free_s: 30,
      connect_fee_micros: 500_000,
      tiers: [
        { from_s: 0, price_micros_per_minute: 4_000_000 },
        { from_s: 600, price_micros_per_minute: 2_000_000 },
      ],
    });
  });

  it("begins anew with another kind", () => {
    const draft = { ...empty, kind: "per_message" as const, price: "0.5", free: "3" };
    expect(termsOf(draft, plain, "CNY")).toEqual({
      kind: "per_message",
      currency: "CNY",
      message_micros: 500_000,
      messages_free: 3,
    });
  });

  it("has a price per minute after a block only where it goes on", () => {
    const draft = { ...empty, kind: "block" as const, price: "60", minutes: "30", after: "2" };
    const block = { length_s: 1800, price_micros: 60_000_000 };
    expect(termsOf(draft, null, "CNY")).toMatchObject({ tiers: [], block: { ...block, overrun: "ask" } });
    expect(termsOf({ ...draft, overrun: "per_second" }, null, "CNY")).toMatchObject({
      tiers: [{ from_s: 0, price_micros_per_minute: 2_000_000 }],
      block: { ...block, overrun: "per_second" },
    });
  });
});

describe("a refused term", () => {
  it.each([
    ["tiers", {}, "price"],
    ["connect_fee_micros", {}, "fee"],
    ["length_s", { kind: "block" as const }, "minutes"],
    ["message_micros", { kind: "per_message" as const }, "price"],
    ["kind", { kind: "per_message" as const }, "kind"],
    ["zone", {}, null],
    ["messages_free", {}, null],
    [null, {}, null],
  ])("%s is shown at its field", (term, change, field) => {
    expect(fieldOfTerm(term, { ...empty, ...change })).toBe(field);
  });
});
