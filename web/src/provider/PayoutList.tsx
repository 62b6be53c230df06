/** A provider's payouts, newest first, each with where it is. */

import { money, t, when } from "../i18n";
import type { Payout } from "../sdk/wire_money";

export function PayoutList({ payouts }: { payouts: Payout[] }) {
  if (payouts.length === 0) return null;
  return (
    <section>
      <h2>{t("payout.list")}</h2>
      <ul class="card rows">
        {payouts.map((payout) => (
          <li key={payout.id} class="entry" data-name="payout" data-state={payout.state}>
            <span class="entry-words">
              <span>{t(`payout.state.${payout.state}`)}</span>
              <span class="note">
                {t("payout.line", { when: when(payout.requested_at) })}
                {payout.fee.micros > 0 && ` · ${t("payout.net", { amount: money(payout.net) })}`}
              </span>
            </span>
            <span class="amount">{money(payout.amount)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
