/** A list that comes in pages: the first at once, the next when asked for. */

import { useState } from "preact/hooks";
import type { Problem } from "../sdk/problem";
import type { Page } from "../sdk/wire";
import { useLoaded } from "./useLoaded";

export interface Pages<T> {
  items: T[] | null;
  problem: Problem | null;
  more: (() => Promise<void>) | null;
  reload: () => Promise<void>;
}

export function usePages<T>(key: string, load: (cursor: string | null) => Promise<Page<T>>): Pages<T> {
  const first = useLoaded(key, () => load(null));
  const [rest, setRest] = useState<{ of: Page<T>; items: T[]; next: string | null } | null>(null);
  // Pages that belong to an earlier first page are not shown below a newer one.
  const tail = rest && rest.of === first.value ? rest : null;
  const next = tail ? tail.next : (first.value?.next ?? null);
  const more = async () => {
    const head = first.value;
    if (!head) return;
    const page = await load(next);
    setRest({ of: head, items: [...(tail?.items ?? []), ...page.items], next: page.next });
  };
  return {
    items: first.value ? [...first.value.items, ...(tail?.items ?? [])] : null,
    problem: first.problem,
    more: next ? more : null,
    reload: first.reload,
  };
}
