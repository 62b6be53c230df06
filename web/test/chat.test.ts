import { describe, expect, it } from "vitest";
import * as chats from "../src/sdk/chat";
import type { ChatMessage, ChatStatus, Side } from "../src/sdk/wire";

const line = (seq: number, from: Side, id = `m${seq}`): ChatMessage => ({
  type: "chat.message",
  session: "s",
  seq,
  from,
  text: `line ${seq}`,
  at: "",
  id,
});
const status = (id: string, state: ChatStatus["state"], more: Partial<ChatStatus> = {}): ChatStatus => ({
  type: "chat.status",
  id,
  state,
  ...more,
});
const own = (id: string) => ({ id, from: "client" as const, text: "hello", at: "" });

describe("chat", () => {
  it("shows a line once although it came by both paths", () => {
    const chat = chats.delivered(chats.delivered([], line(1, "provider")), line(1, "provider"));
    expect(chat).toHaveLength(1);
  });

  it("keeps two people's lines with the same id apart", () => {
    const chat = chats.delivered(chats.delivered([], line(1, "provider", "x")), line(2, "client", "x"));
    expect(chat).toHaveLength(2);
  });

  it("puts lines in the gateway's order, own unsent ones last", () => {
    let chat = chats.written([], own("a"));
    chat = chats.delivered(chat, line(2, "provider"));
    chat = chats.delivered(chat, line(1, "provider"));
    expect(chat.map((each) => each.id)).toEqual(["m1", "m2", "a"]);
    chat = chats.statusOf(chat, "client", status("a", "sent", { seq: 3 }));
    expect(chats.lastSeq(chat)).toBe(3);
  });

  it("shows the text that was delivered when it was masked", () => {
    const chat = chats.statusOf(
      chats.written([], own("a")),
      "client",
      status("a", "masked", { seq: 1, text: "***" }),
    );
    expect(chat[0]).toMatchObject({ text: "***", state: "masked" });
    const later = chats.statusOf(chat, "client", status("a", "delivered", { seq: 1 }));
    expect(later[0]).toMatchObject({ isMasked: true, state: "delivered" });
  });

  it("keeps why a line was refused until it is sent again", () => {
    const refused = chats.failed(chats.written([], own("a")), "a", "not_covered");
    expect(refused[0]).toMatchObject({ state: "failed", reason: "not_covered" });
    expect(chats.retried(refused, "a")[0]).toMatchObject({ state: "sending", reason: null });
  });

  it("does not let a late `sent` undo `read`", () => {
    let chat = chats.statusOf(chats.written([], own("a")), "client", status("a", "read", { seq: 1 }));
    chat = chats.statusOf(chat, "client", status("a", "sent", { seq: 1 }));
    expect(chat[0]?.state).toBe("read");
  });

  it("takes a read mark for everything up to it, but not for what was blocked", () => {
    let chat = chats.statusOf(chats.written([], own("a")), "client", status("a", "sent", { seq: 1 }));
    chat = chats.statusOf(chats.written(chat, own("b")), "client", status("b", "blocked", { seq: 2 }));
    chat = chats.statusOf(chats.written(chat, own("c")), "client", status("c", "sent", { seq: 3 }));
    chat = chats.statusOf(chat, "client", status("c", "read", { seq: 3 }));
    expect(chat.map((each) => each.state)).toEqual(["read", "blocked", "read"]);
  });

  it("may be sent again after it failed, with the same id", () => {
    const failed = chats.failed(chats.written([], own("a")), "a");
    expect(failed[0]?.state).toBe("failed");
    expect(chats.retried(failed, "a")[0]).toMatchObject({ id: "a", state: "sending" });
  });

  it("counts only the other side's lines for the read mark", () => {
    const chat = chats.delivered(chats.delivered([], line(1, "provider")), line(2, "client"));
    expect(chats.lastFromOther(chat, "client")).toBe(1);
  });
});
