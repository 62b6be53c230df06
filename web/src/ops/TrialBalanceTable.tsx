/** All accounts by kind, and whether debits equal credits. */

import { price, t, tOr } from "../i18n";
import type { TrialBalance, TrialLine } from "../sdk/wire_money";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";

interface Props {
  balance: TrialBalance;
  currency: string;
  onCheck: () => Promise<void>;
}

export function TrialBalanceTable({ balance, currency, onCheck }: Props) {
  const isGood = balance.is_zero && balance.lines.every((line) => line.differing === 0);
  return (
    <section class="card checks" data-name="trial-balance" data-ok={isGood}>
      <h2>{t("books.balance")}</h2>
      <p class={isGood ? "checks-sum checks-good" : "checks-sum checks-bad"} role="status">
        <Icon name={isGood ? "check" : "alert"} />
        {balance.is_zero
          ? t("books.balanced")
          : t("books.unbalanced", { posted: balance.posted_micros, pending: balance.pending_micros })}
      </p>
      <table class="legs">
        <thead>
          <tr>
            <th scope="col" class="legs-first">
              {t("books.account")}
            </th>
            <th scope="col">{t("books.posted")}</th>
            <th scope="col">{t("books.pending")}</th>
          </tr>
        </thead>
        <tbody>
          {balance.lines.map((line) => (
            <Line key={line.chart} line={line} currency={currency} />
          ))}
        </tbody>
      </table>
      <Button size="small" onPress={onCheck} name="check-all">
        {t("books.check")}
      </Button>
    </section>
  );
}

function Line({ line, currency }: { line: TrialLine; currency: string }) {
  const posted = line.debits_posted - line.credits_posted;
  const pending = line.debits_pending - line.credits_pending;
  return (
    <tr>
      <th scope="row">
        {tOr(`chart.${line.chart}`, line.chart.replaceAll("_", " "))}{" "}
        <span class="note">{line.accounts}</span>
        {line.differing > 0 && (
          <span class="number-bad">
            {" "}
            {t("books.differing")}: {line.differing}
          </span>
        )}
      </th>
      <td>{price(posted, currency)}</td>
      <td>{pending === 0 ? "–" : price(pending, currency)}</td>
    </tr>
  );
}
