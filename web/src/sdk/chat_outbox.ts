/**
 * Lines on their way: by the data channel first, by the socket where that does not answer.
 *
 * A line keeps its id on every path and every try, so the gateway takes it once. Nothing is given
 * up while the session lives; the person sees `failed` after the last try and may send again.
 */

import { Emitter } from "./emitter";
import type { ChatStatus } from "./wire";

const ANSWER_MS = 2_500;
const TRIES = 4;

interface Line {
  session: string;
  text: string;
  tries: number;
  timer: number;
}

export interface Paths {
  /** False where no data channel is open. */
  channel: (text: string) => boolean;
  /** False where the socket is not connected. */
  socket: (message: { type: string; id: string } & Record<string, unknown>) => boolean;
}

export class ChatOutbox {
  readonly givenUp = new Emitter<string>();
  readonly #paths: Paths;
  readonly #lines = new Map<string, Line>();

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  send(session: string, id: string, text: string): void {
    this.#lines.set(id, { session, text, tries: 0, timer: 0 });
    this.#try(id);
  }

  /** The gateway answered for the line. */
  settled(status: Pick<ChatStatus, "id">): void {
    const line = this.#lines.get(status.id);
    if (line) clearTimeout(line.timer);
    this.#lines.delete(status.id);
  }

  /** A path is back: send what waits. */
  again(): void {
    for (const id of [...this.#lines.keys()]) this.#try(id);
  }

  clear(): void {
    for (const line of this.#lines.values()) clearTimeout(line.timer);
    this.#lines.clear();
  }

  #try(id: string): void {
    const line = this.#lines.get(id);
    if (!line) return;
    clearTimeout(line.timer);
    if (line.tries >= TRIES) {
      this.#lines.delete(id);
      this.givenUp.emit(id);
      return;
    }
    const message = { type: "chat.send", id, session: line.session, text: line.text };
    const isFirst = line.tries === 0;
    const sent = (isFirst && this.#paths.channel(JSON.stringify(message))) || this.#paths.socket(message);
    // Without any path the line waits for `again` and does not use up its tries.
    if (sent) line.tries += 1;
    line.timer = setTimeout(() => this.#try(id), ANSWER_MS);
  }
}
