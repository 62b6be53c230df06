/** Loads something when a component appears and keeps what came, or what went wrong. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../sdk/problem";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  reload: () => Promise<void>;
}

/** `key` names what is loaded: another key loads again. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const run = useRef(0);
  const reload = useCallback(async () => {
    run.current += 1;
    const mine = run.current;
    try {
      const came = await latest.current();
      if (mine !== run.current) return;
      setValue(came);
      setProblem(null);
    } catch (thrown) {
      if (mine === run.current) setProblem(Problem.from(thrown));
    }
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is what asks for another load.
  useEffect(() => {
    void reload();
    return () => {
      run.current += 1;
    };
  }, [key, reload]);
  return { value, problem, reload };
}
