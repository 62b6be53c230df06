/**
 * A real call between two real browsers, through the pages, by clicking.
 *
 *   node web/e2e/call.mjs '{"base": "http://127.0.0.1:8080", "wav": "/tmp/speech.wav", "out": "/tmp/shots"}'
 *
 * Prints one JSON object with everything observed; exit status 0 only where it got through and
 * nothing unexpected was seen. Options and the object's keys are described in e2e/README.md.
 */

import { mkdir } from "node:fs/promises";
import { meetNetwork, pathOf, pictureOf } from "./network.mjs";
import { visitOps } from "./ops.mjs";
import { Person } from "./person.mjs";

const DEFAULTS = {
  base: "http://127.0.0.1:8080",
  wav: null,
  picture: null,
  out: "/tmp/gateway-e2e",
  chromium: "/usr/bin/chromium",
  language: "en",
  client_phone: "+8610000000001",
  provider_phone: "+8610000000011",
  operator_phone: "+8610000000091",
  kind: "voice",
  network: null,
  talk_s: 10,
  chat: true,
  mute: false,
  camera: false,
  reload: false,
  drop: false,
  ice_restart: false,
  warning: false,
  top_up: false,
  ops: true,
  end: "client",
  timeout_s: 120,
};

const options = { ...DEFAULTS, ...JSON.parse(process.argv[2] ?? "{}") };
const seen = { ok: false, options, failures: [], client: {}, provider: {}, ops: null, shots: [] };
const people = [];

function expect(isTrue, sentence) {
  if (!isTrue) seen.failures.push(sentence);
}

async function main() {
  await mkdir(options.out, { recursive: true });
  const provider = await arrive("provider");
  const client = await arrive("client");
  if (options.network)
    for (const person of [provider, client]) await meetNetwork(person.page, options.network);
  await provider.signIn("/provider", options.provider_phone);
  await provider.press("go-online");
  await provider.page.locator('[data-presence="online"]').waitFor({ timeout: 10_000 });
  await provider.shoot("desk");

  if (options.drop) await client.holdSocket();
  await client.signIn("/", options.client_phone);
  const { id } = await provider.get("/v1/me", "provider");
  seen.client.wallet_before = await client.get("/v1/wallet", "companion");
  await call(client, provider, id);
  await talk(client, provider);
  if (options.chat) await chat(client, provider);
  if (options.mute) await mute(client, provider);
  if (options.camera) await camera(client, provider);
  if (options.reload) await reload(client);
  if (options.drop) await drop(client);
  if (options.ice_restart) await restart(client, provider);
  if (options.ops) await ops(client);
  if (options.warning || options.top_up) await warned(client, provider);
  await end(client, provider);
  await receipts(client, provider);
}

async function arrive(name) {
  const person = await Person.arrive(name, options);
  people.push(person);
  return person;
}

async function call(client, provider, id) {
  const card = client.page.locator(`[data-provider="${id}"]`);
  await card.locator('[data-presence="online"]').waitFor({ timeout: 10_000 });
  await client.shoot("people");
  await card.locator(`[data-name="start-${options.kind}"]`).click();
  await client.see("start-sheet");
  await client.page.waitForTimeout(400);
  await client.shoot("sheet");
  await client.press("start");
  await provider.see("ringing");
  await client.see("ringing");
  await provider.shoot("incoming");
  await client.shoot("ringing");
  seen.accepted_at_ms = Date.now();
  await provider.press("accept");
}

async function talk(client, provider) {
  await client.until((view) => view.phase === "talking" && view.tick >= 2);
  await provider.until((view) => view.tick >= 2, 15_000);
  seen.first_heard_ms = (await client.debug()).first_heard_ms;
  const before = await both(client, provider);
  await client.until((view) => view.tick >= options.talk_s, (options.talk_s + 30) * 1000);
  const after = await both(client, provider);
  await client.shoot("talk");
  await provider.shoot("talk");
  for (const side of ["client", "provider"]) {
    Object.assign(seen[side], {
      energy_before: before[side].inbound_energy,
      energy_after: after[side].inbound_energy,
      packets_heard: after[side].inbound_packets,
      ticks: after[side].tick,
      acked: after[side].acked,
      debug: after[side],
    });
    if (options.kind !== "text") {
      expect(after[side].inbound_energy > before[side].inbound_energy, `the ${side} heard no voice`);
    }
  }
  if (options.kind === "video") pictures(before, after);
  if (options.network)
    for (const person of [client, provider]) {
      seen[person.name].path = await pathOf(person.page);
      if (options.kind === "video") seen[person.name].picture = await pictureOf(person.page);
    }
  seen.session = after.client.session;
  seen.client.shown_seconds = await client.text('[data-name="seconds"]');
  seen.client.shown_cost = await client.text('[data-name="cost"]');
  seen.client.shown_time_left = await client.text('[data-name="time-left"]');
  seen.provider.shown_seconds = await provider.text('[data-name="seconds"]');
  seen.provider.shown_earned = await provider.text('[data-name="cost"]');
  expect(after.client.billed_s > 0, "no second was billed while talking");
}

function pictures(before, after) {
  for (const side of ["client", "provider"]) {
    const seconds = after[side].tick - before[side].tick;
    const bytes = after[side].video_bytes_sent - before[side].video_bytes_sent;
    const frames = after[side].frames_decoded - before[side].frames_decoded;
    Object.assign(seen[side], { frames_decoded: frames, video_kbit_per_s: (bytes * 8) / 1000 / seconds });
    expect(frames > 0, `the ${side} saw no picture`);
  }
}

async function camera(client, provider) {
  await client.press("camera");
  await client.page.locator('[data-name="own-picture"]').waitFor({ state: "detached", timeout: 5_000 });
  await client.shoot("camera-off");
  await client.press("camera");
  await client.page.locator('[data-name="own-picture"]').waitFor({ timeout: 5_000 });
  const before = (await provider.debug()).frames_decoded;
  await provider.until((view) => view.frames_decoded > before);
  seen.client.camera_switched = true;
}

async function both(client, provider) {
  return { client: await client.debug(), provider: await provider.debug() };
}

async function chat(client, provider) {
  const lines = { client: "hello from the client 你好", provider: "hello from the provider" };
  for (const [from, to, text] of [
    [client, provider, lines.client],
    [provider, client, lines.provider],
  ]) {
    for (const person of [from, to]) {
      if (!(await person.page.locator(".chat").isVisible())) await person.press("chat");
    }
    await from.page.locator('input[name="chat"]').fill(text);
    await from.press("chat-send");
    await to.page
      .locator(".bubble[data-from]:not(.bubble-own)", { hasText: text })
      .waitFor({ timeout: 10_000 });
    const own = from.page.locator(".bubble-own", { hasText: text });
    await own
      .and(from.page.locator('[data-state="delivered"], [data-state="read"], [data-state="sent"]'))
      .waitFor();
    seen[from.name].chat = { sent: text, state: await own.getAttribute("data-state") };
  }
  await client.page.waitForTimeout(500);
  seen.client.chat.state = await client.page.locator(".bubble-own").first().getAttribute("data-state");
  await client.shoot("chat");
  await provider.shoot("chat");
  if (options.kind !== "text") for (const person of [client, provider]) await person.press("chat");
}

async function mute(client, provider) {
  await client.press("mute");
  await provider.page.locator(".banner-info").first().waitFor({ timeout: 5_000 });
  const { tick } = await client.debug();
  await client.until((view) => view.tick >= tick + 3);
  await client.shoot("muted");
  await client.press("mute");
  seen.client.muted = true;
}

async function reload(client) {
  const before = await client.debug();
  await client.page.reload();
  await client.see("talk", 20_000);
  const after = await client.until((view) => view.tick > before.tick + 2);
  if (options.kind === "voice") await client.until((view) => view.inbound_packets > 20, 15_000);
  const isSame = after.session === before.session;
  seen.client.reload = {
    is_same: isSame,
    tick_before: before.tick,
    tick_after: after.tick,
    billed_s: after.billed_s,
  };
  expect(isSame, "after a reload another session was shown");
  await client.shoot("reloaded");
}

async function drop(client) {
  const before = await client.debug();
  await client.cutSocket();
  await client.until((view) => view.socket !== "online", 5_000);
  await client.until((view) => view.socket === "online", 15_000);
  const after = await client.until((view) => view.tick > before.tick + 2);
  const isSame = after.session === before.session && after.rejoins === before.rejoins;
  seen.client.drop = { is_same: isSame, tick_before: before.tick, tick_after: after.tick, peer: after.peer };
  expect(isSame && after.peer === "connected", "a lost socket did not come back to the same leg");
}

async function restart(client, provider) {
  const before = await both(client, provider);
  // What a browser says when Wi-Fi gives way to the mobile network.
  await client.page.evaluate(() => dispatchEvent(new Event("online")));
  await client.until((view) => view.restarts > before.client.restarts, 5_000);
  await client.until((view) => view.tick > before.client.tick + 3);
  const after = await both(client, provider);
  const heard = (side) => after[side].inbound_packets - before[side].inbound_packets;
  const isKept = after.client.rejoins === before.client.rejoins && after.client.peer === "connected";
  seen.client.ice_restart = {
    is_kept: isKept,
    heard_by_client: heard("client"),
    heard_by_provider: heard("provider"),
  };
  expect(isKept, "an ICE restart broke the connection");
  if (options.kind === "voice") {
    expect(heard("client") > 100 && heard("provider") > 100, "voice stopped after an ICE restart");
  }
}

async function ops(client) {
  const operator = await arrive("operator");
  seen.ops = await visitOps(operator, options, (await client.debug()).session);
  for (const failure of seen.ops.failures) expect(false, failure);
  people.splice(people.indexOf(operator), 1);
  keep(operator);
  await operator.leave();
}

async function warned(client, provider) {
  const wait = options.timeout_s * 1000;
  await client.see("warning", wait);
  await provider.see("warning", 5_000);
  seen.client.warning = await client.text('[data-name="warning"] .banner-text span:last-child');
  seen.provider.warning = await provider.text('[data-name="warning"] .banner-text span:last-child');
  await client.shoot("warning");
  await provider.shoot("warning");
  if (!options.top_up) return;
  const before = await client.debug();
  await client.press("quick-top-up");
  await client.see("top-up-dialog");
  await client.press("top-up-next");
  await client.see("pay-approve");
  await client.shoot("pay");
  await client.press("pay-approve");
  const after = await client.until((view) => view.time_left_s > before.time_left_s + 60, 20_000);
  seen.client.top_up = { time_left_before_s: before.time_left_s, time_left_after_s: after.time_left_s };
}

async function end(client, provider) {
  seen.client.at_end = await client.debug();
  if (options.end === "client") await client.press("hang-up");
  if (options.end === "provider") await provider.press("hang-up");
  const wait = options.end === "funds" ? options.timeout_s * 1000 : 20_000;
  await client.see("ended", wait);
  await provider.see("ended", 10_000);
  seen.client.end_reason = await client.page.locator('[data-name="ended"]').getAttribute("data-reason");
  await client.shoot("ended", { full: true });
  await provider.shoot("ended", { full: true });
}

async function receipts(client, provider) {
  for (const [person, page, path] of [
    [client, "companion", "wallet"],
    [provider, "provider", "earnings"],
  ]) {
    const side = seen[person.name];
    side.receipt = await person.get(`/v1/sessions/${seen.session}/receipt`, page);
    side.shown_total = await person.text('[data-name="receipt-total"]');
    side.shown_receipt = await person.page
      .locator('[data-name="receipt"]')
      .getAttribute("data-receipt", { timeout: 5_000 })
      .catch(() => null);
    expect(
      side.shown_receipt === side.receipt.receipt,
      `the ${person.name}'s page does not show the receipt`,
    );
    await person.press("done");
    await person.press(`nav-${path}`);
    await person.page.waitForTimeout(700);
    await person.shoot(path);
    await person.press("nav-history");
    await person.page.waitForTimeout(500);
    await person.shoot("history");
  }
  seen.client.wallet_after = await client.get("/v1/wallet", "companion");
  seen.provider.earnings = await provider.get("/v1/provider/earnings", "provider");
  const { charge_micros } = seen.client.receipt;
  const added = seen.client.top_up ? 50_000_000 : 0;
  const spent =
    seen.client.wallet_before.available.micros + added - seen.client.wallet_after.available.micros;
  expect(spent === charge_micros, `the wallet lost ${spent} micros, the receipt says ${charge_micros}`);
  expect(
    seen.client.receipt.receipt === seen.provider.receipt.receipt,
    "the two sides have different receipts",
  );
}

function keep(person) {
  seen.shots.push(...person.shots);
  for (const error of person.errors) seen.failures.push(`${person.name}: ${error}`);
  for (const url of person.foreign) seen.failures.push(`${person.name} asked elsewhere: ${url}`);
}

const limit = setTimeout(
  () => finish(`it took longer than ${options.timeout_s * 2} s`),
  options.timeout_s * 2000,
);

async function finish(failure) {
  clearTimeout(limit);
  if (failure) {
    seen.failures.push(failure);
    for (const person of people) await person.shoot("failed").catch(() => undefined);
    for (const person of people)
      seen[person.name] = { ...seen[person.name], last: await person.debug().catch(() => null) };
  }
  for (const person of people) keep(person);
  await Promise.all(people.map((person) => person.leave()));
  seen.ok = seen.failures.length === 0;
  process.stdout.write(`${JSON.stringify(seen, null, 2)}\n`);
  process.exit(seen.ok ? 0 : 1);
}

main().then(
  () => finish(null),
  (error) => finish(String(error?.message ?? error)),
);
