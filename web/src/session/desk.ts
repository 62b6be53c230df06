/**
 * The one session this page holds: invitation, ringing, call, chat, end.
 *
 * Puts the pure reductions (`sdk/session.ts`, `sdk/chat.ts`) together with the leg (`sdk/call.ts`)
 * and keeps the result in signals. Only the window that invited or accepted builds media; another
 * window of the same person shows that the session goes on elsewhere and may take it over.
 */

import { computed, signal } from "@preact/signals";
import type { Api } from "../sdk/api";
import { Call, type CallState } from "../sdk/call";
import * as chats from "../sdk/chat";
import { ChatOutbox } from "../sdk/chat_outbox";
import { expose } from "../sdk/debug";
import { OwnClock } from "../sdk/own_clock";
import { Problem } from "../sdk/problem";
import { adopt, hasStarted, noSession, phaseOf, reduce, type SessionView } from "../sdk/session";
import { freshId, type GatewaySocket } from "../sdk/socket";
import type {
  ClientMessage,
  ConsentKind,
  Kind,
  ProblemMessage,
  ServerMessage,
  Side,
  Welcome,
} from "../sdk/wire";
import { keepAwake } from "./awake";

/** Refusals of a line that another try may not meet. */
const PASSING = new Set(["too_many_requests", "unavailable", "store_down", "wrong_state", "replaced"]);

/** Audio level (0 to 1) above which somebody speaks rather than breathes. */
const SPEAKING = 0.02;

export class Desk {
  readonly side: Side;
  readonly view;
  readonly chat = signal<chats.Chat>([]);
  readonly callState = signal<CallState>("idle");
  readonly problem = signal<Problem | null>(null);
  readonly voice = signal<MediaStream | null>(null);
  /** This person's own camera, for the small tile; null where none is in use. */
  readonly ownPicture = signal<MediaStream | null>(null);
  readonly isCameraOn = signal(true);
  /** Whether the other side is speaking, for the ring around the face. */
  readonly isSpeaking = signal(false);
  readonly isLive = computed(() => !["none", "ended"].includes(this.view.value.phase));
  #call: Call | null = null;
  #owned: string | null = null;
  #acked = 0;
  #readUpTo = 0;
  readonly #socket: GatewaySocket;
  readonly #api: Api;
  readonly #outbox: ChatOutbox;
  readonly #ownClock = new OwnClock(sessionStorage);

  constructor(socket: GatewaySocket, api: Api, side: Side) {
    this.#socket = socket;
    this.#api = api;
    this.side = side;
    this.view = signal<SessionView>(noSession(side));
    this.#outbox = new ChatOutbox({
      channel: (text) => this.#call?.sendText(text) ?? false,
      socket: (message) => socket.send(message),
    });
    this.#outbox.givenUp.on((id) => {
      this.chat.value = chats.failed(this.chat.value, id);
    });
    socket.messages.on((message) => this.#read(message));
    this.#expose();
  }

  async invite(provider_id: string, kind: Kind, tariff_hash: string): Promise<void> {
    this.dismiss();
    const answer = await this.#socket.request({ type: "session.invite", provider_id, kind, tariff_hash });
    if (answer.type === "session.ringing") this.#owned = answer.session.id;
  }

  async accept(): Promise<void> {
    const session = this.#id();
    this.#owned = session;
    await this.#command({ type: "session.accept", session });
  }

  decline(): Promise<void> {
    return this.#command({ type: "session.decline", session: this.#id() });
  }

  cancel(): Promise<void> {
    return this.#command({ type: "session.cancel", session: this.#id() });
  }

  hangUp(): Promise<void> {
    return this.#command({ type: "session.end", session: this.#id() });
  }

  sos(): Promise<void> {
    return this.#command({ type: "session.sos", session: this.#id() });
  }

  /** Say yes to what the gateway asks; it tells both sides. */
  consent(kind: ConsentKind): Promise<void> {
    return this.#command({ type: "session.consent", session: this.#id(), kind });
  }

  /** The microphone is silenced here first, so that nothing is heard while the gateway is told. */
  async setMuted(muted: boolean): Promise<void> {
    this.#call?.setMuted(muted);
    this.view.value = { ...this.view.value, muted };
    await this.#command({ type: "mute.set", session: this.#id(), muted });
  }

  /** Show or hide this person's picture; the voice goes on. */
  setCamera(on: boolean): void {
    this.isCameraOn.value = on;
    this.#call?.setCamera(on);
  }

  say(text: string): void {
    const session = this.#id();
    const id = freshId();
    const at = new Date().toISOString();
    this.chat.value = chats.written(this.chat.value, { id, from: this.side, text, at });
    this.#outbox.send(session, id, text);
  }

  sayAgain(line: chats.ChatLine): void {
    this.chat.value = chats.retried(this.chat.value, line.id);
    this.#outbox.send(this.#id(), line.id, line.text);
  }

  /** The chat is in view: everything so far is read. */
  markRead(): void {
    const seq = chats.lastFromOther(this.chat.value, this.side);
    const session = this.view.value.session?.id;
    if (!session || seq <= this.#readUpTo) return;
    if (this.#socket.send({ type: "chat.read", session, seq })) this.#readUpTo = seq;
  }

  /** Take the session over from another window, or try again after a problem. */
  async takeOver(): Promise<void> {
    this.problem.value = null;
    this.view.value = { ...this.view.value, elsewhere: false };
    this.#owned = this.#id();
    if (this.#call) await this.#call.start();
    else this.#join();
  }

  /** Close the end screen. */
  dismiss(): void {
    if (this.isLive.value) return;
    this.#forget();
    this.view.value = noSession(this.side);
  }

  /** Signed out: let go of everything. */
  leave(): void {
    this.#forget();
    this.view.value = noSession(this.side);
  }

  #read(message: ServerMessage): void {
    if (message.type === "welcome") {
      this.#welcomed(message);
      return;
    }
    if (message.type === "chat.message" || message.type === "chat.status") {
      this.#readChat(message);
      return;
    }
    if (message.type === "problem") this.#refused(message);
    const before = this.view.value;
    const after = reduce(before, message);
    if (after === before) return;
    if (after.session?.id !== before.session?.id) this.#forget();
    this.view.value = after;
    this.#call?.on(message);
    this.#count(message);
    if (message.type === "session.accepted") this.#accepted(message.session);
    if (message.type === "leg.replaced") this.#call?.release();
    if (message.type === "session.ended") this.#ended(message.session);
  }

  #accepted(session: string): void {
    if (this.#owned === session) this.#join();
    else this.view.value = { ...this.view.value, elsewhere: true };
  }

  #count(message: ServerMessage): void {
    const now = Date.now();
    if (message.type === "session.started") this.#ownClock.started(message.session, now);
    if (message.type === "session.suspended") this.#ownClock.suspended(message.session, now);
    if (message.type === "session.resumed") this.#ownClock.resumed(message.session, now);
    if (message.type === "tick") {
      this.#ownClock.ticked(message.session, now);
      this.#acked += 1;
    }
  }

  #readChat(message: Extract<ServerMessage, { type: "chat.message" | "chat.status" }>): void {
    const session = this.view.value.session?.id;
    if (message.session !== undefined && message.session !== session) return;
    if (message.type === "chat.message") {
      this.chat.value = chats.delivered(this.chat.value, message);
      return;
    }
    this.#outbox.settled(message);
    this.chat.value = chats.statusOf(this.chat.value, this.side, message);
  }

  /** The gateway refused a line of chat; one that may pass in a moment goes on trying. */
  #refused(problem: ProblemMessage): void {
    const isOwn = this.chat.value.some((line) => line.id === problem.re && line.state === "sending");
    if (!problem.re || !isOwn || PASSING.has(problem.code)) return;
    this.#outbox.settled({ id: problem.re });
    this.chat.value = chats.failed(this.chat.value, problem.re, problem.code);
  }

  /** Connected, perhaps again: the gateway says what is live, whatever this page believed. */
  #welcomed(welcome: Welcome): void {
    const mine = welcome.sessions.find((session) => (session.side ?? this.side) === this.side);
    const view = this.view.value;
    if (!mine || phaseOf(mine.state) === "ended") {
      if (this.isLive.value && view.session) void this.#catchUp(view.session.id);
      return;
    }
    if (view.session?.id !== mine.id) this.#forget();
    this.view.value = adopt(view, mine);
    if (hasStarted(mine.state))
      this.#ownClock.started(mine.id, Date.parse(mine.started_at ?? "") || Date.now());
    if (phaseOf(mine.state) === "ringing") {
      if (this.side === "client") this.#owned = mine.id;
      return;
    }
    this.#owned = mine.id;
    if (this.#call) this.#call.socketBack();
    else this.#join();
    this.#outbox.again();
    void this.#history(mine.id);
  }

  /** The session ended while nobody was listening: fetch how. */
  async #catchUp(session: string): Promise<void> {
    try {
      const row = await this.#api.session(session);
      const receipt = await this.#api.receipt(session).catch(() => null);
      if (this.view.value.session?.id !== session) return;
      this.view.value = { ...this.view.value, phase: "ended", endReason: row.end_reason, receipt };
      this.#ended(session);
    } catch (thrown) {
      this.problem.value = Problem.from(thrown);
    }
  }

  #join(): void {
    const { session, iceServers, nonce } = this.view.value;
    if (!session || this.#call) return;
    const call = new Call({
      socket: this.#socket,
      session: session.id,
      kind: session.kind,
      iceServers,
      nonce,
      tariffHash: session.tariff_hash,
      started: this.view.value.phase === "talking",
    });
    this.#call = call;
    call.states.on((state) => {
      this.callState.value = state;
    });
    call.problems.on((problem) => {
      this.problem.value = problem;
    });
    call.texts.on((text) => this.#readChannel(text));
    call.voices.on((voice) => {
      this.voice.value = voice;
    });
    call.captured.on((own) => {
      this.ownPicture.value = own;
    });
    call.heard.on((inbound) => {
      this.isSpeaking.value = inbound.level > SPEAKING;
    });
    keepAwake(true);
    call.setMuted(this.view.value.muted);
    call.setCamera(this.isCameraOn.value);
    void call.start();
  }

  #readChannel(text: string): void {
    try {
      const message = JSON.parse(text) as ServerMessage;
      if (message.type === "chat.message" || message.type === "chat.status") this.#readChat(message);
    } catch {
      // What is not JSON on the channel is not ours.
    }
  }

  async #history(session: string): Promise<void> {
    const after = chats.lastSeq(this.chat.value);
    const answer = await this.#socket.request({ type: "chat.history", session, after }).catch(() => null);
    if (answer?.type !== "chat.lines" || this.view.value.session?.id !== session) return;
    this.chat.value = answer.items.reduce(chats.delivered, this.chat.value);
  }

  #ended(session: string): void {
    this.#call?.close();
    this.#call = null;
    this.voice.value = null;
    this.ownPicture.value = null;
    this.isCameraOn.value = true;
    this.isSpeaking.value = false;
    this.problem.value = null;
    this.#outbox.clear();
    keepAwake(false);
    const seconds = this.#ownClock.seconds(session);
    if (seconds !== null) this.#socket.send({ type: "session.report", session, seconds });
  }

  async #command(message: ClientMessage): Promise<void> {
    await this.#socket.request(message);
  }

  #forget(): void {
    this.#call?.close();
    this.#call = null;
    this.#owned = null;
    this.#acked = 0;
    this.#readUpTo = 0;
    this.#outbox.clear();
    this.chat.value = [];
    this.problem.value = null;
    this.voice.value = null;
    this.ownPicture.value = null;
    this.isCameraOn.value = true;
    this.callState.value = "idle";
    keepAwake(false);
  }

  #id(): string {
    const id = this.view.value.session?.id;
    if (!id) throw new Problem({ code: "wrong_state" });
    return id;
  }

  #expose(): void {
    expose(() => {
      const view = this.view.value;
      return {
        session: view.session?.id ?? null,
        phase: view.phase,
        socket: this.#socket.state,
        call: this.callState.value,
        peer: this.#call?.peerState ?? "none",
        tick: view.tick,
        billed_s: view.billedS,
        provisional_s: view.provisionalS,
        time_left_s: view.timeLeftS,
        cost_micros: view.cost?.micros ?? null,
        inbound_packets: this.#call?.inbound.packets ?? 0,
        inbound_energy: this.#call?.inbound.energy ?? 0,
        frames_decoded: this.#call?.inbound.frames ?? 0,
        video_bytes_sent: this.#call?.inbound.videoBytesSent ?? 0,
        first_heard_ms: this.#call?.firstHeardMs ?? null,
        restarts: this.#call?.restarts ?? 0,
        rejoins: this.#call?.rejoins ?? 0,
        acked: this.#acked,
      };
    });
  }
}
