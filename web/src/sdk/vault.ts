/**
 * Where tokens are kept between page loads.
 *
 * The refresh token is in localStorage, so a person stays signed in; the access and resume tokens
 * are in sessionStorage, so they belong to one tab and go with it. Every page has a name of its
 * own: the companion app and the console can be signed in as two people in one browser.
 */

import type { SignedIn } from "./wire";

export class TokenVault {
  readonly page: string;
  readonly #lasting: Storage;
  readonly #ofTab: Storage;

  constructor(page: string, lasting: Storage = localStorage, ofTab: Storage = sessionStorage) {
    this.page = page;
    this.#lasting = lasting;
    this.#ofTab = ofTab;
  }

  get refreshToken(): string | null {
    return this.#lasting.getItem(this.#key("refresh"));
  }

  /** The access token while it has more than half a minute to live. */
  get accessToken(): string | null {
    const until = Number(this.#ofTab.getItem(this.#key("access-until")) ?? 0);
    return Date.now() < until - 30_000 ? this.#ofTab.getItem(this.#key("access")) : null;
  }

  get resumeToken(): string | null {
    return this.#ofTab.getItem(this.#key("resume"));
  }

  set resumeToken(token: string | null) {
    if (token) this.#ofTab.setItem(this.#key("resume"), token);
    else this.#ofTab.removeItem(this.#key("resume"));
  }

  keep(answer: SignedIn): void {
    this.#lasting.setItem(this.#key("refresh"), answer.refresh_token);
    this.#ofTab.setItem(this.#key("access"), answer.access_token);
    this.#ofTab.setItem(this.#key("access-until"), String(Date.now() + answer.expires_in_s * 1000));
  }

  /** The access token was refused; the next use fetches another. */
  dropAccess(): void {
    this.#ofTab.removeItem(this.#key("access"));
    this.#ofTab.removeItem(this.#key("access-until"));
  }

  clear(): void {
    this.dropAccess();
    this.resumeToken = null;
    this.#lasting.removeItem(this.#key("refresh"));
  }

  #key(name: string): string {
    return `gateway.${this.page}.${name}`;
  }
}
