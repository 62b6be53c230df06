/** Keeps a phone's screen on while a session runs, where the browser can. */

let wanted = false;
let lock: WakeLockSentinel | null = null;

export function keepAwake(on: boolean): void {
  wanted = on;
  if (on) void take();
  else {
    void lock?.release().catch(() => undefined);
    lock = null;
  }
}

async function take(): Promise<void> {
  if (!("wakeLock" in navigator) || lock || document.visibilityState !== "visible") return;
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => {
      lock = null;
    });
    if (!wanted) keepAwake(false);
  } catch {
    // A low battery may refuse it; the session goes on all the same.
  }
}

document.addEventListener("visibilitychange", () => {
  if (wanted) void take();
});
