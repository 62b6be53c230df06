import { describe, expect, it } from "vitest";
import {
  freshness,
  gradeHint,
  hearing,
  type LiveReading,
  mediaAge,
  violationCount,
} from "../src/ops/snapshot";
import { inboundOf } from "../src/sdk/inbound";
import { Problem } from "../src/sdk/problem";
import { e164 } from "../src/shared/phone";
import { hueOf, initialsOf } from "../src/ui/Avatar";

describe("a phone number as typed", () => {
  it.each([
    ["+86 138 0000 0000", "+8613800000000"],
    ["13800000000", "+8613800000000"],
    ["0044 20 7946 0000", "+442079460000"],
    ["+1 (555) 010-0000", "+15550100000"],
  ])("%s", (typed, read) => {
    expect(e164(typed)).toBe(read);
  });

  it.each(["", "+86", "hello", "12345", "+0123456789", "+861380000000000000"])("%s is refused", (typed) => {
    expect(e164(typed)).toBeNull();
  });
});

describe("what arrives from the other side", () => {
  it("sums voice and leaves everything else out", () => {
    const seen = inboundOf([
      {
        type: "inbound-rtp",
        kind: "audio",
        packetsReceived: 10,
        packetsLost: 1,
        jitter: 0.004,
        totalAudioEnergy: 0.5,
      },
      { type: "inbound-rtp", kind: "video", packetsReceived: 99 },
      { type: "outbound-rtp", kind: "audio", packetsSent: 50 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.02 },
    ]);
    expect(seen).toMatchObject({ packets: 10, lost: 1, jitterMs: 4, energy: 0.5, roundTripMs: 20 });
  });

  it("is nothing where the report has nothing", () => {
    expect(inboundOf([]).packets).toBe(0);
  });
});

describe("an avatar", () => {
  it.each([
    ["Lin Yue", "LY"],
    ["林月", "月"],
    ["林月 Lin Yue", "月"],
    ["guest", "G"],
    ["", "?"],
  ])("%s shows %s", (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });

  it("keeps its colour", () => {
    expect(hueOf("acc_1")).toBe(hueOf("acc_1"));
    expect(hueOf("acc_1")).toBeLessThan(8);
  });
});

describe("an operator's reading", () => {
  it("grows stale against its limit", () => {
    expect([null, 100, 5_000, 9_000].map((age) => freshness(age, 8_000))).toEqual([
      "none",
      "good",
      "warn",
      "bad",
    ]);
  });

  it("takes the newest sign of life of a leg", () => {
    const leg = { rtp_age_ms: null, rtcp_age_ms: 700, stun_age_ms: 1_200 } as never;
    expect(mediaAge(leg)).toBe(700);
  });

  it("hints at grade B once a second has no witness", () => {
    expect(gradeHint({ unwitnessed_s: 0 } as LiveReading)).toBe("A");
    expect(gradeHint({ unwitnessed_s: 1 } as LiveReading)).toBe("B");
  });

  it("counts violations given as a number or as a list", () => {
    const base = { name: "n", ok: false, value: 0, checked_at: null };
    expect(violationCount({ ...base, violations: 3 })).toBe(3);
    expect(violationCount({ ...base, violations: ["a"] })).toBe(1);
    expect(violationCount({ ...base, violations: null })).toBe(1);
  });
});

describe("a problem", () => {
  it("wraps whatever was thrown and keeps what is one already", () => {
    const problem = new Problem({ code: "busy" });
    expect(Problem.from(problem)).toBe(problem);
    expect(Problem.from(new TypeError("x"))).toMatchObject({ code: "unexpected", detail: "x" });
  });
});

describe("how a voice sounds to an operator", () => {
  it.each([
    [4.4, "good"],
    [4.02, "good"],
    [4.01, "warn"],
    [3.1, "warn"],
    [3.09, "bad"],
    [null, "none"],
  ] as const)("%s is %s", (mos, expected) => {
    expect(hearing(mos)).toBe(expected);
  });
});
