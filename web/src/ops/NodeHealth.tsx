/** Numbers of the node itself; those that say something is wrong are marked. */

import { duration, t, tOr } from "../i18n";
import { NodeLoad } from "./NodeLoad";
import { type Live, shortText } from "./snapshot";

/** Beyond these the number deserves a look; the gateway's own alarms are in its metrics. */
const LIMITS: Record<string, number> = { loop_lag_ms: 50, store_queue: 100, tick_lag_ms: 250 };

export function NodeHealth({ live }: { live: Live }) {
  const { drops, load, ...numbers } = live.node as Live["node"] & { drops?: Record<string, number> };
  const dropped = Object.entries(drops ?? {}).filter(([, count]) => count > 0);
  return (
    <section class="card checks" data-name="node">
      <h2>{t("ops.node")}</h2>
      <p class="note">
        {t("ops.updated", { at: new Date(live.at).toLocaleTimeString(document.documentElement.lang) })}
      </p>
      <NodeLoad load={load} />
      <dl class="pairs pairs-small">
        {Object.entries(numbers).map(([name, value]) => (
          <div class="pair" key={name}>
            <dt>{tOr(`node.${name}`, name)}</dt>
            <dd class={isHigh(name, value) ? "number-bad" : undefined}>{shown(name, value)}</dd>
          </div>
        ))}
        <div class="pair">
          <dt>{t("ops.drops")}</dt>
          <dd>
            {dropped.length === 0
              ? t("ops.no_drops")
              : dropped.map(([why, count]) => `${why} ${count}`).join(", ")}
          </dd>
        </div>
      </dl>
    </section>
  );
}

function isHigh(name: string, value: unknown): boolean {
  const limit = LIMITS[name];
  return limit !== undefined && typeof value === "number" && value > limit;
}

function shown(name: string, value: unknown): string {
  if (name.endsWith("_s") && typeof value === "number") return duration(value);
  if (name.endsWith("_ms") && typeof value === "number") {
    return t("ops.ms", { count: Math.round(value * 10) / 10 });
  }
  return shortText(value);
}
