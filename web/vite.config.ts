// Builds the three pages into the gateway's package; the gateway serves them under a strict
// content security policy, so nothing may be inlined: no data: images, no inline scripts or styles.
import { defineConfig } from "vitest/config";

const gateway = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  build: {
    outDir: "../gateway/pages",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rolldownOptions: { input: ["index.html", "provider.html", "ops.html"] },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/v1": { target: gateway, ws: true }, "/sandbox": { target: gateway } },
  },
  test: { include: ["test/**/*.test.ts"], environment: "node", css: true },
});
