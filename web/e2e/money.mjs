/**
 * The money of a session through real pages: a prepaid block that is bought again, messages until the money
 * is gone and the case about them, a payout from wish to approval.
 *
 *   node web/e2e/money.mjs '{"story": "block", "base": "http://127.0.0.1:8080", "out": "/tmp/shots"}'
 *
 * Prints one JSON object with everything observed; exit status 0 only where nothing unexpected was seen.
 */

import { mkdir } from "node:fs/promises";
import { Person } from "./person.mjs";

const DEFAULTS = {
  base: "http://127.0.0.1:8080",
  wav: null,
  out: "/tmp/gateway-e2e",
  chromium: "/usr/bin/chromium",
  language: "en",
  client_phone: "+8610000000001",
  provider_phone: "+8610000000011",
  operator_phone: "+8610000000091",
  story: "block",
  tariff: null,
  talk_s: 24,
  timeout_s: 120,
};

const options = { ...DEFAULTS, ...JSON.parse(process.argv[2] ?? "{}") };
const seen = { ok: false, options, failures: [], client: {}, provider: {}, operator: {}, shots: [] };
const people = [];
const STORIES = { block, messages, payout };

function expect(isTrue, sentence) {
  if (!isTrue) seen.failures.push(sentence);
}

async function arrive(name) {
  const person = await Person.arrive(name, options);
  people.push(person);
  return person;
}

/** A session of that kind, taken by the provider; the one who asks is the client. */
async function session(client, provider, kind) {
  const { id } = await provider.get("/v1/me", "provider");
  await provider.press("go-online");
  await provider.page.locator('[data-presence="online"]').waitFor({ timeout: 10_000 });
  await client.signIn("/", options.client_phone);
  const card = client.page.locator(`[data-provider="${id}"]`);
  await card.locator('[data-presence="online"]').waitFor({ timeout: 10_000 });
  seen.client.wallet_before = await client.get("/v1/wallet", "companion");
  await client.shoot("people");
  await card.locator(`[data-name="start-${kind}"]`).click();
  await client.see("start-sheet");
  await client.page.waitForTimeout(400);
  await client.shoot("sheet");
  await client.press("start");
  await provider.see("ringing");
  await provider.press("accept");
  const view = await client.until((each) => each.phase === "talking" && each.tick >= 1);
  seen.session = view.session;
}

async function block() {
  const provider = await arrive("provider");
  const client = await arrive("client");
  await provider.signIn("/provider", options.provider_phone);
  await provider.see("change-voice");
  const set = await provider.ask("PUT", "/v1/provider/offers/voice", "provider", { tariff: options.tariff });
  expect(set.kind === "voice", `the price was not set: ${JSON.stringify(set)}`);
  await provider.page.reload();
  await provider.see("change-voice");
  await provider.shoot("desk", { full: true });
  await session(client, provider, "voice");
  await client.see("question", 30_000);
  await provider.see("question", 5_000);
  seen.client.question = await client.text('[data-name="question"] .banner-text');
  seen.provider.question = await provider.text('[data-name="question"] .banner-text');
  seen.client.asked_at_tick = (await client.debug()).tick;
  await client.shoot("question");
  await provider.shoot("question");
  await client.press("consent");
  await client.page.locator('[data-name="question"]').waitFor({ state: "detached", timeout: 10_000 });
  await client.until((view) => view.tick >= options.talk_s, (options.talk_s + 30) * 1000);
  await client.press("hang-up");
  await ended(client, provider);
}

async function messages() {
  const provider = await arrive("provider");
  const client = await arrive("client");
  await provider.signIn("/provider", options.provider_phone);
  await setMessagePrice(provider);
  await session(client, provider, "text");
  await write(client);
  await client.shoot("refused");
  // A second counts, and its lines with it, once evidence on both sides of it has come.
  const { tick } = await client.debug();
  await client.until((view) => view.tick >= tick + 8, 20_000);
  await client.press("hang-up");
  await ended(client, provider);
  await contest(client);
  await decide(client);
}

/** Through the form: a price the gateway refuses to take first, then a good one. */
async function setMessagePrice(provider) {
  await provider.press("change-text");
  await provider.see("price-editor");
  await provider.page.locator('select[name="price-kind"]').selectOption("per_message");
  await provider.page.locator('input[name="price-price"]').fill("20000");
  await provider.press("price-save");
  const problem = provider.page.locator('[data-name="price-editor"] .note-problem');
  await problem.waitFor({ timeout: 10_000 });
  seen.provider.refusal = await problem.textContent();
  seen.provider.refused_field = await provider.page
    .locator('input[aria-invalid="true"]')
    .getAttribute("name");
  await provider.shoot("price-refused");
  await provider.page.locator('input[name="price-price"]').fill("1.00");
  await provider.page.locator('input[name="price-free"]').fill("1");
  await provider.press("price-save");
  await provider.page.locator('[data-name="price-editor"]').waitFor({ state: "detached", timeout: 10_000 });
  seen.provider.shown_price = await provider.text('[data-name="price-text"] .price-shown');
  await provider.shoot("price-set", { full: true });
}

/** Lines until one is refused; a quarter of a second apart, which the gateway allows. */
async function write(client) {
  const refused = client.page.locator('[data-name="chat-refused"]');
  for (let line = 1; line <= 40 && !(await refused.isVisible()); line += 1) {
    await client.page.locator('input[name="chat"]').fill(`line ${line}`);
    await client.press("chat-send");
    await client.page
      .locator(".bubble-own")
      .nth(line - 1)
      .waitFor({ timeout: 5_000 });
    const waiting = client.page.locator('.bubble-own[data-state="sending"]');
    await waiting.waitFor({ state: "detached", timeout: 15_000 });
    await client.page.waitForTimeout(150);
  }
  seen.client.refusal = await refused.textContent({ timeout: 1_000 });
}

async function contest(client) {
  await client.press("done");
  await client.page.goto(`${options.base}/#/receipt/${seen.session}`);
  await client.shoot("receipt", { full: true });
  await client.press("open-case");
  await client.see("case-dialog");
  await client.page.locator('input[name="reason"]').fill("nobody answered me");
  await client.shoot("case-dialog");
  await client.press("intervene");
  await client.see("case");
  seen.client.case_open = await client.text('[data-name="case"] .banner-text');
  await client.shoot("case", { full: true });
}

async function decide(client) {
  const operator = await arrive("operator");
  await operator.signIn("/ops", options.operator_phone);
  await operator.press("nav-books");
  await operator.see("cases");
  const row = operator.page.locator('[data-name="cases"] .queue-item', { hasText: "nobody answered me" });
  await row.waitFor({ timeout: 10_000 });
  await operator.shoot("books", { full: true });
  seen.operator.is_balanced =
    (await operator.page.locator('[data-name="trial-balance"]').getAttribute("data-ok")) === "true";
  await row.locator('[data-name="act-to_client"]').click();
  await operator.page
    .locator('[data-name="act-dialog"] input[name="reason"]')
    .fill("the provider said nothing");
  await operator.press("intervene");
  await row.waitFor({ state: "detached", timeout: 10_000 });
  await operator.press("check-all");
  await operator.see("invariants", 10_000);
  seen.operator.all_rows_ok =
    (await operator.page.locator('[data-name="invariants"]').getAttribute("data-ok")) === "true";
  await client.page.reload();
  await client.see("case");
  seen.client.case_decided = await client.text('[data-name="case"] .banner-text');
  seen.client.wallet_after = await client.get("/v1/wallet", "companion");
}

async function payout() {
  const provider = await arrive("provider");
  const operator = await arrive("operator");
  await provider.signIn("/provider", options.provider_phone);
  await provider.press("nav-earnings");
  await provider.see("payout-request");
  seen.provider.earnings_before = await provider.get("/v1/provider/earnings", "provider");
  await provider.press("payout-request");
  await provider.page.locator('[data-name="payout"][data-state="requested"]').waitFor({ timeout: 10_000 });
  await provider.shoot("payout", { full: true });
  await operator.signIn("/ops", options.operator_phone);
  await operator.press("nav-books");
  const rows = operator.page.locator('[data-name="payouts"] .queue-item');
  await rows.first().waitFor({ timeout: 10_000 });
  seen.operator.payouts = await rows.allTextContents();
  await operator.shoot("payouts", { full: true });
  await rows.first().locator('[data-name="act-approve"]').click();
  await operator.page.locator('[data-name="act-dialog"] input[name="reason"]').fill("identity checked");
  await operator.press("intervene");
  await rows.locator('[data-state="approved"]').waitFor({ timeout: 10_000 });
  await provider.page.reload();
  await provider.page.locator('[data-name="payout"][data-state="approved"]').waitFor({ timeout: 10_000 });
  seen.provider.earnings_after = await provider.get("/v1/provider/earnings", "provider");
}

async function ended(client, provider) {
  for (const [person, page] of [
    [client, "companion"],
    [provider, "provider"],
  ]) {
    await person.see("ended", 20_000);
    await person.see("receipt", 10_000);
    await person.shoot("ended", { full: true });
    seen[person.name].receipt = await person.get(`/v1/sessions/${seen.session}/receipt`, page);
  }
  seen.client.wallet_after = await client.get("/v1/wallet", "companion");
}

const limit = setTimeout(
  () => finish(`it took longer than ${options.timeout_s} s`),
  options.timeout_s * 1000,
);

async function finish(failure) {
  clearTimeout(limit);
  if (failure) {
    seen.failures.push(failure);
    for (const person of people) await person.shoot("failed").catch(() => undefined);
  }
  for (const person of people) {
    seen.shots.push(...person.shots);
    for (const error of person.errors) seen.failures.push(`${person.name}: ${error}`);
    for (const url of person.foreign) seen.failures.push(`${person.name} asked elsewhere: ${url}`);
  }
  await Promise.all(people.map((person) => person.leave()));
  seen.ok = seen.failures.length === 0;
  process.stdout.write(`${JSON.stringify(seen, null, 2)}\n`);
  process.exit(seen.ok ? 0 : 1);
}

await mkdir(options.out, { recursive: true });
STORIES[options.story]().then(
  () => finish(null),
  (error) => finish(String(error?.message ?? error)),
);
