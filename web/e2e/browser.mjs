/**
 * A Chromium of the machine, driven by playwright-core, with a profile of its own that is removed.
 *
 * The flags keep it off the network and give it a microphone and a camera that play files.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--allow-loopback-in-peer-connection",
  "--autoplay-policy=no-user-gesture-required",
];

/** Open one browser with one context; `close()` ends it and removes its profile. */
export async function openBrowser({
  wav = null,
  picture = null,
  executablePath = "/usr/bin/chromium",
  ...context
} = {}) {
  const profile = await mkdtemp(join(tmpdir(), "gateway-browser-"));
  const args = [...FLAGS];
  if (wav) args.push(`--use-file-for-fake-audio-capture=${wav}`);
  if (picture) args.push(`--use-file-for-fake-video-capture=${picture}`);
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args,
    permissions: ["microphone", "camera"],
    ...context,
  });
  return {
    context: browser,
    page: browser.pages()[0] ?? (await browser.newPage()),
    close: async () => {
      await browser.close().catch(() => undefined);
      await rm(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
