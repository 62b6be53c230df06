// Takes pictures of the gallery's scenes: node dev/gallery.mjs OUT_DIR [scene,scene…] [widths] [langs] [schemes]
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "vite";
import { openBrowser } from "../e2e/browser.mjs";

const [out = "/tmp/gallery", only = "", widths = "phone,desktop", langs = "en,zh-CN", schemes = "light"] =
  process.argv.slice(2);
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

await mkdir(out, { recursive: true });
const server = await createServer({
  root: new URL("..", import.meta.url).pathname,
  logLevel: "error",
  server: { port: 0, host: "127.0.0.1" },
});
await server.listen();
const base = `http://127.0.0.1:${server.httpServer.address().port}/dev/gallery.html`;
const browser = await openBrowser();
const { page } = browser;
const failures = [];
page.on("pageerror", (error) => failures.push(String(error)));
try {
  await page.goto(base);
  await page.waitForFunction(() => window.__scenes);
  const all = await page.evaluate(() => window.__scenes);
  for (const scene of only ? only.split(",") : all) {
    for (const lang of langs.split(",")) {
      for (const width of widths.split(",")) {
        for (const scheme of schemes.split(",")) {
          await page.setViewportSize(SIZES[width]);
          await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
          await page.goto(`${base}?scene=${scene}&lang=${lang}`);
          await page.waitForFunction(() => window.__scenes);
          await page.waitForTimeout(120);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
          if (wide) failures.push(`${scene} ${lang} ${width}: wider than the screen`);
          await page.screenshot({ path: join(out, `${scene}-${lang}-${width}-${scheme}.png`) });
        }
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(failures.length ? failures.join("\n") : `all fine, in ${out}`);
process.exit(failures.length ? 1 : 0);
