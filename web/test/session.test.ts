import { describe, expect, it } from "vitest";
import {
  adopt,
  hasStarted,
  noSession,
  otherParty,
  reduce,
  type SessionView,
  shownSeconds,
} from "../src/sdk/session";
import type { Receipt, ServerMessage, Session, Side } from "../src/sdk/wire";

const session: Session = {
  id: "ses_1",
  kind: "voice",
  state: "ringing",
  end_reason: null,
  client: { id: "acc_c", nickname: "Guest" },
  provider: { id: "acc_p", nickname: "Lin" },
  tariff: { kind: "per_second", currency: "CNY", tiers: [{ from_s: 0, price_micros_per_minute: 3_000_000 }] },
  tariff_hash: "h",
  created_at: "2026-11-21T20:00:00Z",
};
const ringing: ServerMessage = { type: "session.ringing", session, expires_at: "2026-11-21T20:00:30Z" };
const accepted: ServerMessage = {
  type: "session.accepted",
  session: "ses_1",
  side: "client",
  kind: "voice",
  tariff: session.tariff,
  tariff_hash: "h",
  ice_servers: [],
  nonce: "n",
};
const started: ServerMessage = { type: "session.started", session: "ses_1", at: "2026-11-21T20:00:05Z" };
const tick = (n: number, timeLeft = 100): ServerMessage => ({
  type: "tick",
  session: "ses_1",
  tick: n,
  billed_s: n - 1,
  provisional_s: 1,
  cost: { micros: n * 50_000, currency: "CNY" },
  time_left_s: timeLeft,
  head: "a",
});
const ended: ServerMessage = {
  type: "session.ended",
  session: "ses_1",
  reason: "funds",
  receipt: {} as Receipt,
};

function seen(side: Side, ...messages: ServerMessage[]): SessionView {
  return messages.reduce(reduce, noSession(side));
}

describe("a session as a person sees it", () => {
  it("rings, connects, talks and ends", () => {
    expect(seen("client", ringing).phase).toBe("ringing");
    expect(seen("client", ringing, accepted)).toMatchObject({ phase: "connecting", nonce: "n" });
    expect(seen("client", ringing, accepted, started).phase).toBe("talking");
    expect(seen("client", ringing, accepted, started, tick(3))).toMatchObject({
      billedS: 2,
      provisionalS: 1,
    });
    expect(seen("client", ringing, accepted, started, ended)).toMatchObject({
      phase: "ended",
      endReason: "funds",
    });
  });

  it("shows the seconds that count and those that wait for their evidence", () => {
    expect(shownSeconds(seen("client", ringing, accepted, started, tick(9)))).toBe(9);
  });

  it("ignores messages about other sessions", () => {
    const view = seen("client", ringing);
    expect(reduce(view, { ...started, session: "ses_2" } as ServerMessage)).toBe(view);
  });

  it("does not let another call ring into a live one", () => {
    const view = seen("provider", ringing, accepted, started);
    expect(reduce(view, { ...ringing, session: { ...session, id: "ses_2" } } as ServerMessage)).toBe(view);
  });

  it("takes a new call after the last one has ended", () => {
    const again = { ...ringing, session: { ...session, id: "ses_2" } } as ServerMessage;
    expect(seen("client", ringing, ended, again)).toMatchObject({ phase: "ringing", receipt: null });
  });

  it("leaves calls of the account's other role to the other page", () => {
    const asProvider = { ...ringing, session: { ...session, side: "provider" } } as ServerMessage;
    expect(seen("client", asProvider).phase).toBe("none");
  });

  it("says that seconds do not count while suspended, and again that they do", () => {
    const held: ServerMessage = { type: "session.suspended", session: "ses_1", reason: "media_gap" };
    expect(seen("client", ringing, accepted, started, held).suspended).toBe("media_gap");
    const back: ServerMessage = { type: "session.resumed", session: "ses_1" };
    expect(seen("client", ringing, accepted, started, held, back).suspended).toBeNull();
  });

  it("warns until a top-up lifts the time left well above the warning", () => {
    const warning: ServerMessage = {
      type: "session.warning",
      session: "ses_1",
      seconds_left: 30,
      reason: "funds",
    };
    const warned = seen("client", ringing, accepted, started, warning);
    expect(reduce(warned, tick(5, 29)).warning).not.toBeNull();
    expect(reduce(warned, tick(5, 40)).warning).not.toBeNull();
    expect(reduce(warned, tick(5, 41)).warning).toBeNull();
  });

  it("tells the own mute from the other's", () => {
    const mute = (from: Side): ServerMessage => ({
      type: "mute.changed",
      session: "ses_1",
      from,
      muted: true,
    });
    expect(seen("client", ringing, mute("provider"))).toMatchObject({ otherMuted: true, muted: false });
    expect(seen("client", ringing, mute("client"))).toMatchObject({ otherMuted: false, muted: true });
  });

  it("marks only the other side's lost connection", () => {
    const lost = (side: Side): ServerMessage => ({ type: "leg.lost", session: "ses_1", side });
    expect(seen("client", ringing, lost("provider")).otherLost).toBe(true);
    expect(seen("client", ringing, lost("client")).otherLost).toBe(false);
  });

  it("changes nothing after the end", () => {
    const view = seen("client", ringing, ended);
    expect(reduce(view, tick(4))).toBe(view);
  });

  it("is taken up again after a reload, with what is needed to rejoin", () => {
    const view = adopt(noSession("client"), { ...session, state: "metering", nonce: "n", ice_servers: [] });
    expect(view).toMatchObject({ phase: "talking", nonce: "n" });
    expect(hasStarted("metering")).toBe(true);
    expect(hasStarted("connecting")).toBe(false);
  });

  it("names the person at the far end", () => {
    expect(otherParty(seen("client", ringing)).nickname).toBe("Lin");
    expect(otherParty(seen("provider", ringing)).nickname).toBe("Guest");
  });

  it("shows a question until it is answered, and the last mark of spending", () => {
    const money = { micros: 15_000_000, currency: "CNY" };
    const asked = seen("client", ringing, accepted, started, {
      type: "session.consent_asked",
      session: "ses_1",
      kind: "block",
      seconds_left: 60,
      spent: money,
      price: money,
    });
    expect(asked.question).toEqual({ kind: "block", price: money, spent: money });
    expect(reduce(asked, { type: "session.consented", session: "ses_1", kind: "block" }).question).toBeNull();
    expect(reduce(asked, { type: "session.spend", session: "ses_1", spent: money }).spent).toEqual(money);
  });
});
