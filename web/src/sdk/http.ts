/**
 * HTTP towards the gateway: JSON in, JSON out, problems thrown.
 *
 * Keeps the access token fresh: one refresh at a time even across tabs (a refresh token works once;
 * using it twice signs the person out everywhere), one retry after a 401. Never retries anything
 * else by itself: a command that moves money is repeated only by its caller with the same key.
 */

import { Emitter } from "./emitter";
import { Problem } from "./problem";
import type { TokenVault } from "./vault";
import type { SignedIn } from "./wire";

const TIMEOUT_MS = 15_000;

export interface CallOptions {
  body?: unknown;
  /** Send no token: the route is public. */
  open?: boolean;
  idempotencyKey?: string;
}

export class Http {
  readonly vault: TokenVault;
  readonly signedOut = new Emitter<Problem>();
  readonly #base: string;

  constructor(vault: TokenVault, base = "") {
    this.vault = vault;
    this.#base = base;
  }

  /** Call a route under `/v1`. */
  call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    return this.raw<T>(method, `/v1${path}`, options);
  }

  /** Call any route of the gateway. */
  async raw<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const token = options.open ? null : await this.token();
    const answer = await this.#send(method, path, options, token);
    if (answer.status !== 401 || options.open) return await read<T>(answer);
    this.vault.dropAccess();
    return await read<T>(await this.#send(method, path, options, await this.token()));
  }

  /** A valid access token, refreshed where needed. */
  async token(): Promise<string> {
    return this.vault.accessToken ?? (await exclusively(`gateway.${this.vault.page}`, () => this.#refresh()));
  }

  async #refresh(): Promise<string> {
    const fresh = this.vault.accessToken;
    if (fresh) return fresh;
    const refresh_token = this.vault.refreshToken;
    if (!refresh_token) throw new Problem({ code: "signed_out", status: 401 });
    try {
      const options = { body: { refresh_token }, open: true };
      const answer = await read<SignedIn>(await this.#send("POST", "/v1/auth/refresh", options, null));
      this.vault.keep(answer);
      return answer.access_token;
    } catch (thrown) {
      const problem = Problem.from(thrown);
      // Another tab used the token first and has kept a newer one for both.
      if (problem.code === "refresh_raced" && this.vault.refreshToken !== refresh_token)
        return this.#refresh();
      if (problem.code === "refresh_raced") throw problem;
      if (problem.status < 400 || problem.status >= 500 || problem.status === 429) throw problem;
      this.vault.clear();
      const gone = new Problem({ code: "signed_out", status: 401 });
      this.signedOut.emit(gone);
      throw gone;
    }
  }

  async #send(method: string, path: string, options: CallOptions, token: string | null): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
    const request: RequestInit = { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
    if (options.body !== undefined) request.body = JSON.stringify(options.body);
    try {
      return await fetch(this.#base + path, request);
    } catch {
      throw new Problem({ code: navigator.onLine ? "network" : "offline" });
    }
  }
}

/** Run one after the other for all tabs where the browser can, for this tab where it cannot. */
let last: Promise<unknown> = Promise.resolve();
async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (navigator.locks) return (await navigator.locks.request(name, work)) as T;
  const mine = last.then(work, work);
  last = mine.catch(() => undefined);
  return await mine;
}

async function read<T>(answer: Response): Promise<T> {
  if (answer.status === 204) return undefined as T;
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok) return body as T;
  const facts = (body ?? {}) as { code?: string; title?: string; detail?: string; field?: string };
  const retryAfterS = Number(answer.headers.get("Retry-After")) || undefined;
  throw new Problem({
    code: facts.code ?? `http_${answer.status}`,
    title: facts.title,
    detail: facts.detail,
    field: facts.field,
    status: answer.status,
    retryAfterS,
  });
}
