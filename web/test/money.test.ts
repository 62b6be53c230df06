import { describe, expect, it } from "vitest";
import { parseAmount } from "../src/companion/payment";
import { moneyText, priceText, signedMoneyText } from "../src/sdk/money";

const cny = (micros: number) => ({ micros, currency: "CNY" });

describe("money", () => {
  it("cuts to the minor unit and never rounds up", () => {
    expect(moneyText(cny(1_259_999), "en")).toBe("¥1.25");
    expect(moneyText(cny(999_999), "en")).toBe("¥0.99");
  });

  it("cuts negative amounts towards zero", () => {
    expect(moneyText(cny(-1_259_999), "en")).toBe("-¥1.25");
  });

  it("keeps amounts exact that a binary fraction cannot hold", () => {
    expect(moneyText(cny(290_000), "en")).toBe("¥0.29");
    expect(moneyText(cny(1_150_000), "en")).toBe("¥1.15");
  });

  it("knows currencies without a minor unit", () => {
    expect(moneyText({ micros: 1_999_999, currency: "JPY" }, "en")).toBe("¥1");
  });

  it("shows the sign of a movement", () => {
    expect(signedMoneyText(cny(5_000_000), "en")).toBe("+¥5.00");
    expect(signedMoneyText(cny(-5_000_000), "en")).toBe("−¥5.00");
    expect(signedMoneyText(cny(0), "en")).toBe("¥0.00");
  });

  it("shows fractions of the minor unit in a price only where there are any", () => {
    expect(priceText(3_000_000, "CNY", "en")).toBe("¥3.00");
    expect(priceText(833_300, "CNY", "en")).toBe("¥0.8333");
  });
});

describe("a typed amount", () => {
  it.each([
    ["20", 20_000_000],
    ["12.5", 12_500_000],
    ["12,50", 12_500_000],
    [" 50000 ", 50_000_000_000],
  ])("%s is %i micros", (typed, micros) => {
    expect(parseAmount(typed, "CNY")).toEqual(cny(micros));
  });

  it.each(["", "0", "0.99", "abc", "1e3", "-5", "1.234", "50001", "1.2.3"])("%s is refused", (typed) => {
    expect(parseAmount(typed, "CNY")).toBeNull();
  });
});
