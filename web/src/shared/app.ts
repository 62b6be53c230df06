/**
 * One page's app: who is signed in, the connection, the wallet, presence, and the live session.
 *
 * Wires the SDK to signals that components read. Each page makes one; nothing here draws anything.
 */

import { batch, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { Api } from "../sdk/api";
import { Http } from "../sdk/http";
import { Problem } from "../sdk/problem";
import { GatewaySocket, type SocketState } from "../sdk/socket";
import { TokenVault } from "../sdk/vault";
import type { Account, Money, PresenceState, ServerMessage, Side } from "../sdk/wire";
import { Desk } from "../session/desk";

export type PageName = "companion" | "provider" | "ops";

export interface Toast {
  id: number;
  text: string;
  isProblem: boolean;
}

export class App {
  readonly page: PageName;
  readonly api: Api;
  readonly socket: GatewaySocket;
  readonly desk: Desk;
  /** undefined while it is not yet known whether somebody is signed in. */
  readonly account = signal<Account | null | undefined>(undefined);
  readonly line = signal<SocketState>("closed");
  readonly presence = signal<Record<string, PresenceState>>({});
  readonly available = signal<Money | null>(null);
  readonly toasts = signal<Toast[]>([]);
  #toast = 0;

  constructor(page: PageName) {
    this.page = page;
    const vault = new TokenVault(page);
    const http = new Http(vault);
    this.api = new Api(http);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const url = `${scheme}://${location.host}/v1/socket`;
    this.socket = new GatewaySocket({ url, token: () => http.token(), vault });
    const side: Side = page === "provider" ? "provider" : "client";
    this.desk = new Desk(this.socket, this.api, side);
    this.socket.states.on((state) => {
      this.line.value = state;
      if (state === "refused") this.#leave();
    });
    this.socket.messages.on((message) => this.#read(message));
    http.signedOut.on(() => this.#leave());
  }

  /** Take up the sign-in kept from before, if there is one. */
  async start(): Promise<void> {
    const { vault } = this.api.http;
    if (!vault.refreshToken && !vault.accessToken) {
      this.account.value = null;
      return;
    }
    try {
      this.enter(await this.api.me());
    } catch (thrown) {
      if (Problem.from(thrown).status === 401) this.account.value = null;
      else setTimeout(() => void this.start(), 2_000);
    }
  }

  /** Somebody is signed in. */
  enter(account: Account): void {
    this.account.value = account;
    if (this.page !== "ops") this.socket.open();
  }

  signOut(): void {
    this.api.http.vault.clear();
    this.#leave();
  }

  say(text: string, isProblem = false): void {
    this.#toast += 1;
    const toast = { id: this.#toast, text, isProblem };
    this.toasts.value = [...this.toasts.value.slice(-2), toast];
    setTimeout(() => this.unsay(toast.id), isProblem ? 8_000 : 5_000);
  }

  unsay(id: number): void {
    this.toasts.value = this.toasts.value.filter((toast) => toast.id !== id);
  }

  #leave(): void {
    batch(() => {
      this.account.value = null;
      this.available.value = null;
      this.presence.value = {};
    });
    this.desk.leave();
    this.socket.close();
  }

  #read(message: ServerMessage): void {
    if (message.type === "presence") {
      this.presence.value = { ...this.presence.value, [message.provider_id]: message.state };
    }
    if (message.type === "wallet") this.available.value = message.available;
    if (message.type === "welcome" && this.account.value) {
      this.account.value = { ...this.account.value, ...message.account };
    }
  }
}

const AppContext = createContext<App | null>(null);
export const AppProvider = AppContext.Provider;

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("a component that needs the app stands outside of it");
  return app;
}
