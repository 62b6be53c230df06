/**
 * This app's leg of one session: get media up, keep it up, say what is heard.
 *
 * A video session is a voice session with a camera; without one its person is heard and not seen.
 * Decides when to offer, when to restart ICE and when to build the connection anew, and confirms
 * "I hear the other side" once voice packets arrive (in a text session: once the channel is open).
 * Never counts a second: it acknowledges the gateway's ticks. Session state is in `session.ts`.
 */

import { Emitter } from "./emitter";
import { type Inbound, NOTHING } from "./inbound";
import { openCapture, Peer } from "./peer";
import { Problem } from "./problem";
import type { GatewaySocket } from "./socket";
import type { IceServer, Kind, ServerMessage } from "./wire";

export type CallState = "idle" | "asking" | "connecting" | "connected" | "interrupted" | "closed";

const LISTEN_MS = 200;
const RESTART_AFTER_MS = 1_500;
const REJOIN_AFTER_MS = 6_000;

export interface CallOptions {
  socket: GatewaySocket;
  session: string;
  kind: Kind;
  iceServers: IceServer[];
  nonce: string;
  tariffHash: string;
  /** Seconds run already (after a reload): nothing is left to confirm. */
  started: boolean;
}

export class Call {
  readonly session: string;
  readonly states = new Emitter<CallState>();
  readonly problems = new Emitter<Problem>();
  readonly texts = new Emitter<string>();
  readonly voices = new Emitter<MediaStream>();
  readonly heard = new Emitter<Inbound>();
  /** The camera's stream once it is open, null where there is none or it was let go of. */
  readonly captured = new Emitter<MediaStream | null>();
  inbound: Inbound = NOTHING;
  restarts = 0;
  rejoins = 0;
  firstHeardMs: number | null = null;
  #state: CallState = "idle";
  #peer: Peer | null = null;
  #microphone: MediaStream | null = null;
  #muted = false;
  #camera = true;
  #confirmed: boolean;
  #negotiating = false;
  #listener = 0;
  #mender = 0;
  readonly #begunMs = performance.now();
  readonly #options: CallOptions;

  constructor(options: CallOptions) {
    this.#options = options;
    this.session = options.session;
    this.#confirmed = options.started;
    addEventListener("online", this.#networkChanged);
  }

  get state(): CallState {
    return this.#state;
  }

  get peerState(): string {
    return this.#peer?.state ?? "none";
  }

  /** Ask for the microphone and offer. Also takes the leg back from another window. */
  async start(): Promise<void> {
    if (this.#options.kind !== "text" && !this.#microphone) {
      this.#become("asking");
      try {
        this.#microphone = await openCapture(this.#options.kind === "video");
        this.captured.emit(this.#microphone.getVideoTracks().length > 0 ? this.#microphone : null);
      } catch (thrown) {
        this.problems.emit(Problem.from(thrown));
        return;
      }
      if (this.#is("closed")) this.#dropMicrophone();
    }
    if (!this.#is("closed")) await this.#rejoin();
  }

  /** Silence this microphone here; telling the gateway is the caller's. */
  setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  /** Send black instead of this camera's picture, or the picture again. */
  setCamera(on: boolean): void {
    this.#camera = on;
    for (const track of this.#microphone?.getVideoTracks() ?? []) track.enabled = on;
  }

  sendText(text: string): boolean {
    return this.#peer?.sendText(text) ?? false;
  }

  /** Acknowledge the ticks of this session; everything else is not this class's. */
  on(message: ServerMessage): void {
    // A window that has given the leg away must not vouch for it.
    if (message.type === "tick" && message.session === this.session && !this.#is("idle")) {
      const { session, tick, head } = message;
      // The gateway compares this clock with its own; it never bills by it.
      const clock_ms = Math.round(performance.now());
      this.#options.socket.send({ type: "tick.ack", session, tick, head, clock_ms });
    }
    if (message.type === "session.started" && message.session === this.session) this.#confirmed = true;
  }

  /** The socket is back: mend what broke meanwhile. */
  socketBack(): void {
    if (this.#peer && this.#peer.state !== "connected") this.#mend(0);
  }

  /** Another window took the leg: let go of media, keep the object. */
  release(): void {
    this.#closePeer();
    this.#dropMicrophone();
    this.#become("idle");
  }

  close(): void {
    removeEventListener("online", this.#networkChanged);
    this.#become("closed");
    this.#closePeer();
    this.#dropMicrophone();
  }

  async #rejoin(): Promise<void> {
    this.#closePeer();
    this.#become("connecting");
    const peer = new Peer(this.#options.kind, this.#options.iceServers, this.#microphone);
    this.#peer = peer;
    peer.states.on((state) => this.#peerBecame(peer, state));
    peer.texts.on((text) => this.texts.emit(text));
    peer.voices.on((voice) => this.voices.emit(voice));
    peer.channelOpened.on(() => {
      if (this.#options.kind === "text") this.#heardOtherSide();
    });
    this.#listener = setInterval(() => void this.#listen(peer), LISTEN_MS);
    await this.#negotiate(peer, false);
  }

  async #negotiate(peer: Peer, restart: boolean): Promise<void> {
    if (this.#negotiating) return;
    this.#negotiating = true;
    try {
      const sdp = await peer.offer(restart);
      const answer = await this.#options.socket.request({ type: "media.offer", session: this.session, sdp });
      if (peer === this.#peer && answer.type === "media.answer") await peer.take(answer.sdp);
    } catch (thrown) {
      await peer.withdraw().catch(() => undefined);
      const problem = Problem.from(thrown);
      // Without a connection the next welcome mends it; anything else the person should know.
      if (problem.code !== "offline" && problem.code !== "timeout") this.problems.emit(problem);
    } finally {
      this.#negotiating = false;
    }
  }

  #peerBecame(peer: Peer, state: RTCPeerConnectionState): void {
    if (peer !== this.#peer) return;
    if (state === "connected") {
      clearTimeout(this.#mender);
      this.#become("connected");
    }
    if (state === "disconnected") this.#mend(RESTART_AFTER_MS);
    if (state === "failed") this.#mend(0);
  }

  /** Restart ICE after `afterMs`; where that does not help, build the connection anew. */
  #mend(afterMs: number): void {
    if (this.#is("closed") || this.#is("idle")) return;
    this.#become("interrupted");
    clearTimeout(this.#mender);
    this.#mender = setTimeout(() => {
      const peer = this.#peer;
      if (!peer || peer.state === "connected") return;
      this.restarts += 1;
      void this.#negotiate(peer, true);
      this.#mender = setTimeout(() => {
        if (this.#peer !== peer || peer.state === "connected" || this.#is("closed")) return;
        this.rejoins += 1;
        void this.#rejoin().then(() => this.#mendUnlessUp());
      }, REJOIN_AFTER_MS);
    }, afterMs);
  }

  #mendUnlessUp(): void {
    if (this.#peer?.state !== "connected" && !this.#is("closed")) this.#mend(REJOIN_AFTER_MS);
  }

  readonly #networkChanged = (): void => {
    const peer = this.#peer;
    if (!peer || this.#is("closed") || this.#is("idle")) return;
    this.restarts += 1;
    void this.#negotiate(peer, true);
  };

  async #listen(peer: Peer): Promise<void> {
    if (peer !== this.#peer) return;
    this.inbound = await peer.inbound();
    if (peer !== this.#peer) return;
    this.heard.emit(this.inbound);
    if (this.inbound.packets > 0) this.#heardOtherSide();
  }

  #heardOtherSide(): void {
    this.firstHeardMs ??= Math.round(performance.now() - this.#begunMs);
    if (this.#confirmed) return;
    this.#confirmed = true;
    const { nonce, tariffHash: tariff_hash, socket } = this.#options;
    socket
      .request({ type: "media.confirm", session: this.session, nonce, tariff_hash })
      .catch((thrown: unknown) => {
        const problem = Problem.from(thrown);
        this.#confirmed = problem.code !== "offline" && problem.code !== "timeout";
        if (this.#confirmed) this.problems.emit(problem);
      });
  }

  #closePeer(): void {
    clearInterval(this.#listener);
    clearTimeout(this.#mender);
    this.#peer?.close();
    this.#peer = null;
  }

  #dropMicrophone(): void {
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    if (this.#microphone) this.captured.emit(null);
    this.#microphone = null;
  }

  /** As a question, since the state changes while this class awaits. */
  #is(state: CallState): boolean {
    return this.#state === state;
  }

  #become(state: CallState): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.states.emit(state);
    if (state === "connecting") {
      this.setMuted(this.#muted);
      this.setCamera(this.#camera);
    }
  }
}
