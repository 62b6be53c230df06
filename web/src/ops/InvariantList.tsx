/** The checks the ledger and the meters make of themselves, green or red, with value and age. */

import { t, tOr } from "../i18n";
import { Icon } from "../ui/Icon";
import { type Invariant, type Invariants, shortText, violationCount } from "./snapshot";

interface Props {
  invariants: Invariants;
  /** The gateway's time of the reading, which ages are counted from. */
  at: string | null;
  title?: string;
}

export function InvariantList({ invariants, at, title }: Props) {
  const { items } = invariants;
  const broken = items.filter((item) => !item.ok).length;
  const isGood = invariants.ok && broken === 0 && items.length > 0;
  return (
    <section class="card checks" data-name="invariants" data-ok={isGood}>
      <h2>{title ?? t("ops.invariants")}</h2>
      <p class={isGood ? "checks-sum checks-good" : "checks-sum checks-bad"} role="status">
        <Icon name={isGood ? "check" : "alert"} />
        {items.length === 0
          ? t("ops.no_checks")
          : broken === 0
            ? t("ops.all_hold", { count: items.length })
            : t("ops.some_fail", { count: broken })}
      </p>
      <ul>
        {items.map((item) => (
          <Check key={item.name} item={item} at={at} />
        ))}
      </ul>
    </section>
  );
}

function Check({ item, at }: { item: Invariant; at: string | null }) {
  const seconds =
    item.checked_at && at
      ? Math.max(0, Math.round((Date.parse(at) - Date.parse(item.checked_at)) / 1000))
      : null;
  const violations = violationCount(item);
  return (
    <li class={item.ok ? "check check-good" : "check check-bad"}>
      <Icon name={item.ok ? "check" : "alert"} />
      <span class="check-words">
        <span>
          {tOr(`invariant.${item.name}`, item.name.replaceAll("_", " "))}
          <span class="hidden">: {t(item.ok ? "ops.holds" : "ops.violated")}</span>
        </span>
        <span class="note">
          {[
            seconds === null ? null : t("ops.checked", { seconds }),
            violations > 0 ? t("ops.violations", { count: violations }) : null,
          ]
            .filter(Boolean)
            .join(" · ")}
        </span>
        {Array.isArray(item.violations) && item.violations.length > 0 && (
          <details class="violations">
            <summary>{t("ops.what")}</summary>
            <ul>
              {item.violations.map((sentence) => (
                <li key={String(sentence)}>{String(sentence)}</li>
              ))}
            </ul>
          </details>
        )}
      </span>
      <span class="check-value code">{shortText(item.value)}</span>
    </li>
  );
}
