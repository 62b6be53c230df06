/** Whether the node takes new calls, why not, and how near each figure is to its mark. */

import { duration, t, tOr } from "../i18n";
import { Banner } from "../ui/Banner";
import type { Load } from "./snapshot";

type Figure = Load["figures"][number];

/** What everybody on duty must see at once; nothing while calls are taken. */
export function LoadBanner({ load }: { load: Load }) {
  if (load.state === "open") return null;
  if (load.state === "draining") return <Banner tone="warn">{t("ops.load_draining")}</Banner>;
  const why = load.why.map((name) => tOr(`load.${name}`, name)).join(", ");
  return <Banner tone="bad">{t("ops.load_full", { why })}</Banner>;
}

export function NodeLoad({ load }: { load: Load }) {
  const refused = Object.values(load.refused).reduce((sum, count) => sum + count, 0);
  const isOpen = load.state === "open";
  return (
    <>
      <p
        class={`checks-sum ${isOpen ? "checks-good" : "checks-bad"}`}
        data-name="load"
        data-state={load.state}
      >
        <span>
          {tOr(`load.${load.state}`, load.state)} · {t("ops.load_for", { time: duration(load.for_s) })}
        </span>
      </p>
      <dl class="pairs pairs-small">
        {load.figures
          .filter((figure) => figure.mark > 0)
          .map((figure) => (
            <div class="pair" key={figure.name}>
              <dt>{tOr(`load.${figure.name}`, figure.name)}</dt>
              <dd class={load.why.includes(figure.name) ? "number-bad" : undefined}>
                {t("ops.load_figure", {
                  value: Math.round(figure.value),
                  mark: written(figure),
                })}
              </dd>
            </div>
          ))}
        <div class="pair">
          <dt>{t("ops.load_refused")}</dt>
          <dd>{refused}</dd>
        </div>
      </dl>
    </>
  );
}

function written({ name, mark }: Figure): string {
  return tOr(`load.${name}.value`, String(mark), { count: mark });
}
