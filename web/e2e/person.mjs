/** One person at one browser: signs in through the page, looks, and remembers what went wrong. */

import { join } from "node:path";
import { openBrowser } from "./browser.mjs";

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

export class Person {
  errors = [];
  foreign = [];
  shots = [];

  constructor(name, browser, options) {
    this.name = name;
    this.browser = browser;
    this.page = browser.page;
    this.options = options;
    this.page.on("pageerror", (error) => this.errors.push(`page: ${error}`));
    this.page.on("console", (message) => {
      // A refused request is logged by the browser; the page says it in words, so it is not an error here.
      const text = message.text();
      if (message.type() === "error" && !text.startsWith("Failed to load resource")) this.errors.push(text);
    });
    this.page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.origin !== new URL(options.base).origin)
        this.foreign.push(url.href);
    });
  }

  static async arrive(name, options) {
    const browser = await openBrowser({
      wav: options.wav,
      picture: options.picture,
      executablePath: options.chromium,
      viewport: SIZES.phone,
      locale: options.language,
    });
    return new Person(name, browser, options);
  }

  /** From now on the socket can be cut from here, as a lost network would. */
  async holdSocket() {
    await this.page.routeWebSocket(/\/v1\/socket$/, (socket) => {
      const server = socket.connectToServer();
      this.cutSocket = async () => {
        await server.close();
        await socket.close({ code: 4000 });
      };
    });
  }

  async signIn(path, phone) {
    const { page } = this;
    await page.goto(this.options.base + path);
    await page.locator(`[data-name="language-${this.options.language}"]`).click();
    await this.shoot("signin");
    await page.locator('input[name="phone"]').fill(phone);
    await this.press("send-code");
    await this.press("fill-code");
    await this.shoot("code");
    await this.press("sign-in");
    // Whoever asks the gateway next asks with the token of this sign-in.
    await page.waitForFunction(
      () => Object.keys(sessionStorage).some((key) => key.endsWith(".access")),
      undefined,
      { timeout: 15_000 },
    );
  }

  press(name, options = {}) {
    return this.page
      .locator(`[data-name="${name}"]:visible`)
      .first()
      .click({ timeout: 15_000, ...options });
  }

  see(name, timeout = 15_000) {
    return this.page.locator(`[data-name="${name}"]:visible`).first().waitFor({ timeout });
  }

  /** What the page itself says about its session. */
  debug() {
    return this.page.evaluate(() => ({ ...window.__gateway }));
  }

  /** Wait until `test` holds of the debug object. Asked from here: the page's policy allows no eval. */
  async until(test, timeout = 30_000) {
    const deadline = Date.now() + timeout;
    for (;;) {
      const view = await this.debug().catch(() => null);
      if (view && test(view)) return view;
      if (Date.now() > deadline)
        throw new Error(`${this.name}: waited in vain for ${test}; saw ${JSON.stringify(view)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The screen at phone and desktop width; `full` takes what is below the fold as well. */
  async shoot(name, { full = false } = {}) {
    for (const [width, size] of Object.entries(SIZES)) {
      const path = join(this.options.out, `${this.name}-${name}-${width}.png`);
      await this.page.setViewportSize(size);
      await this.page.waitForTimeout(120);
      await this.page.screenshot({ path, fullPage: full });
      this.shots.push(path);
    }
    await this.page.setViewportSize(SIZES.phone);
  }

  /** Read something of the gateway's as this person, with the page's own token. */
  get(path, page) {
    return this.ask("GET", path, page);
  }

  /** As `get`, with a method and a body of one's own. */
  ask(method, path, page, body = undefined) {
    return this.page.evaluate(
      async ([verb, route, name, sent]) => {
        const token = sessionStorage.getItem(`gateway.${name}.access`);
        const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
        const answer = await fetch(route, { method: verb, headers, ...(sent ? { body: sent } : {}) });
        return answer.ok ? await answer.json() : { failed: answer.status, why: await answer.text() };
      },
      [method, path, page, body === undefined ? null : JSON.stringify(body)],
    );
  }

  text(selector) {
    return this.page
      .locator(selector)
      .first()
      .textContent({ timeout: 2_000 })
      .catch(() => null);
  }

  leave() {
    return this.browser.close();
  }
}
