import { describe, expect, it } from "vitest";
import { delayMs, STEPS_MS } from "../src/sdk/backoff";
import { minutesAndSeconds, ServerClock, talkTime } from "../src/sdk/clock";
import { OwnClock } from "../src/sdk/own_clock";

describe("seconds as text", () => {
  it.each([
    [0, "0:00", "00:00"],
    [7, "0:07", "00:07"],
    [754, "12:34", "12:34"],
    [3723, "1:02:03", "1:02:03"],
    [-3, "0:00", "00:00"],
  ])("%i", (seconds, short, talk) => {
    expect(minutesAndSeconds(seconds)).toBe(short);
    expect(talkTime(seconds)).toBe(talk);
  });
});

describe("the gateway's clock", () => {
  it("ends a countdown when the gateway's does, although this machine is an hour late", () => {
    const clock = new ServerClock();
    const now = Date.parse("2026-11-21T19:00:00Z");
    clock.observe("2026-11-21T20:00:00Z", now);
    expect(clock.secondsUntil("2026-11-21T20:00:30Z", now)).toBe(30);
    expect(clock.secondsUntil("2026-11-21T20:00:30Z", now + 40_000)).toBe(0);
  });

  it("takes what it cannot read as over", () => {
    expect(new ServerClock().secondsUntil("soon", 0)).toBe(0);
  });
});

describe("the wait before another connection", () => {
  it("follows the steps and stays at the last one", () => {
    expect([0, 1, 2, 3, 4, 5, 99].map((attempt) => delayMs(attempt, 0.5))).toEqual([...STEPS_MS, 7000, 7000]);
  });

  it("varies by less than a third", () => {
    expect(delayMs(4, 0)).toBe(4900);
    expect(delayMs(4, 0.999)).toBeLessThan(9101);
  });
});

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    length: 0,
    clear: () => kept.clear(),
    key: () => null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

describe("the app's own count", () => {
  it("ends at the last tick, not when the receipt comes", () => {
    const clock = new OwnClock(storage());
    clock.started("s", 1_000);
    clock.ticked("s", 31_100);
    expect(clock.seconds("s")).toBe(30);
  });

  it("leaves out what was suspended", () => {
    const clock = new OwnClock(storage());
    clock.started("s", 0);
    clock.ticked("s", 10_000);
    clock.suspended("s", 10_200);
    clock.resumed("s", 20_200);
    clock.ticked("s", 25_200);
    expect(clock.seconds("s")).toBe(15);
  });

  it("goes on after a reload of the page", () => {
    const kept = storage();
    new OwnClock(kept).started("s", 0);
    const reloaded = new OwnClock(kept);
    reloaded.started("s", 8_000);
    reloaded.ticked("s", 12_000);
    expect(reloaded.seconds("s")).toBe(12);
  });

  it("knows nothing of a session it never saw start", () => {
    expect(new OwnClock(storage()).seconds("other")).toBeNull();
  });
});
