/** Which part of the page is shown, kept in the address after `#` so that back and reload work. */

import { signal } from "@preact/signals";

export const route = signal<string[]>(parts());

addEventListener("hashchange", () => {
  route.value = parts();
  scrollTo(0, 0);
});

export function go(path: string): void {
  location.hash = `#/${path}`;
}

function parts(): string[] {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}
