/** What the provider asked to be, kept for the tab so that a reload or a drop does not undo it. */

import { effect, signal } from "@preact/signals";

export type Wanted = "online" | "paused" | "offline";

const KEY = "gateway.presence";

export const wanted = signal<Wanted | null>(sessionStorage.getItem(KEY) as Wanted | null);

effect(() => {
  if (wanted.value) sessionStorage.setItem(KEY, wanted.value);
});
