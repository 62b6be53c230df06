/**
 * The signalling socket: connect, authenticate, ask and be told, come back after a drop.
 *
 * Decides when to reconnect and when not to (refused token, replaced by a newer window). A request
 * made while there is no connection is refused at once with `offline`; nothing is queued in secret,
 * since a command sent late may no longer be wanted. Chat has its own outbox (`chat_outbox.ts`).
 */

import { delayMs } from "./backoff";
import { ServerClock } from "./clock";
import { Emitter } from "./emitter";
import { Problem } from "./problem";
import type { TokenVault } from "./vault";
import type { ClientMessage, ProblemMessage, ServerMessage, Welcome } from "./wire";

export type SocketState = "closed" | "connecting" | "online" | "reconnecting" | "replaced" | "refused";

const ANSWER_MS = 10_000;
const OPEN_MS = 8_000;

interface Waiting {
  resolve: (message: ServerMessage) => void;
  reject: (problem: Problem) => void;
  timer: number;
}

export interface SocketOptions {
  url: string;
  token: () => Promise<string>;
  vault: TokenVault;
}

export class GatewaySocket {
  readonly states = new Emitter<SocketState>();
  readonly messages = new Emitter<ServerMessage>();
  readonly clock = new ServerClock();
  #state: SocketState = "closed";
  #socket: WebSocket | null = null;
  #waiting = new Map<string, Waiting>();
  #attempt = 0;
  #retry = 0;
  #pinger = 0;
  #opening = 0;
  #heardAt = 0;
  #refusals = 0;
  readonly #options: SocketOptions;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  get state(): SocketState {
    return this.#state;
  }

  open(): void {
    if (this.#state === "online" || this.#state === "connecting" || this.#state === "reconnecting") return;
    this.#attempt = 0;
    this.#refusals = 0;
    addEventListener("online", this.#hurry);
    this.#become("connecting");
    void this.#connect();
  }

  close(): void {
    this.#stop("closed");
    this.#socket?.close(1000);
  }

  /** Send a message and wait for what answers it. */
  request(message: ClientMessage): Promise<ServerMessage> {
    const id = message.id ?? freshId();
    return new Promise((resolve, reject) => {
      if (!this.send({ ...message, id })) {
        reject(new Problem({ code: "offline" }));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Problem({ code: "timeout" }));
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  /** Send a message that needs no answer; false where there is no connection. */
  send(message: ClientMessage): boolean {
    if (this.#state !== "online" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ id: freshId(), ...message }));
    return true;
  }

  async #connect(): Promise<void> {
    let token: string;
    try {
      token = await this.#options.token();
    } catch (thrown) {
      if (Problem.from(thrown).code === "signed_out") this.#stop("refused");
      else this.#later();
      return;
    }
    if (this.#state !== "connecting" && this.#state !== "reconnecting") return;
    const socket = new WebSocket(this.#options.url, ["gateway.json"]);
    this.#socket = socket;
    clearTimeout(this.#opening);
    this.#opening = setTimeout(() => socket.close(), OPEN_MS);
    socket.onopen = () => {
      const resume = this.#options.vault.resumeToken;
      socket.send(JSON.stringify({ type: "auth", id: freshId(), token, ...(resume ? { resume } : {}) }));
    };
    socket.onmessage = (event) => this.#read(socket, event.data);
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#dropped(event.code);
    };
  }

  #read(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== "string") return;
    this.#heardAt = performance.now();
    let message: ServerMessage;
    try {
      message = JSON.parse(data) as ServerMessage;
    } catch {
      return;
    }
    if (message.type === "welcome") this.#welcome(socket, message);
    if (message.type === "pong") this.clock.observe(message.server_time, Date.now());
    this.#answer(message);
    this.messages.emit(message);
  }

  #answer(message: ServerMessage): void {
    // A chat status names the line it speaks of, which is also the id of the request.
    const id =
      "re" in message && message.re ? message.re : message.type === "chat.status" ? message.id : null;
    const waiting = id ? this.#waiting.get(id) : undefined;
    if (!id || !waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (message.type === "problem") waiting.reject(asProblem(message));
    else waiting.resolve(message);
  }

  #welcome(socket: WebSocket, message: Welcome): void {
    this.#options.vault.resumeToken = message.resume_token;
    this.clock.observe(message.server_time, Date.now());
    this.#attempt = 0;
    this.#refusals = 0;
    clearTimeout(this.#opening);
    this.#become("online");
    clearInterval(this.#pinger);
    this.#pinger = setInterval(() => {
      if (performance.now() - this.#heardAt > message.dead_s * 1000) {
        // The far end is gone although nobody closed: do not wait for the browser to notice.
        this.#socket = null;
        socket.close();
        this.#dropped(1006);
      } else this.send({ type: "ping" });
    }, message.ping_s * 1000);
  }

  #dropped(code: number): void {
    clearTimeout(this.#opening);
    clearInterval(this.#pinger);
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new Problem({ code: "offline" }));
    }
    this.#waiting.clear();
    if (this.#state === "closed" || this.#state === "refused") return;
    if (code === 4409) {
      this.#stop("replaced");
      return;
    }
    if (code === 4401) {
      this.#options.vault.dropAccess();
      this.#refusals += 1;
      if (this.#refusals > 2) {
        this.#stop("refused");
        return;
      }
    }
    this.#later();
  }

  #later(): void {
    this.#become("reconnecting");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), delayMs(this.#attempt, Math.random()));
    this.#attempt += 1;
  }

  /** The network is back: do not sit out the rest of the wait. */
  readonly #hurry = (): void => {
    if (this.#state !== "reconnecting" || this.#socket?.readyState === WebSocket.CONNECTING) return;
    this.#attempt = 0;
    this.#later();
  };

  #stop(state: SocketState): void {
    clearTimeout(this.#retry);
    clearInterval(this.#pinger);
    removeEventListener("online", this.#hurry);
    this.#become(state);
  }

  #become(state: SocketState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.states.emit(state);
  }
}

/** A problem message as something to throw. */
export function asProblem(message: ProblemMessage): Problem {
  const { code, title, detail, tariff, tariff_hash, retry_after_s } = message;
  return new Problem({ code, title, detail, tariff, tariffHash: tariff_hash, retryAfterS: retry_after_s });
}

/** A name for a message that nobody else uses. */
export function freshId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
