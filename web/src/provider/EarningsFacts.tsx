/** Today, pending, available. */

import { money, t } from "../i18n";
import type { Earnings } from "../sdk/wire";
import { Fact } from "../ui/Fact";

export function EarningsFacts({ earnings }: { earnings: Earnings }) {
  return (
    <dl class="card facts">
      <Fact name={t("desk.today")} isMain>
        <span data-name="earned-today" data-micros={earnings.today.micros}>
          {money(earnings.today)}
        </span>
      </Fact>
      <Fact name={t("desk.pending")}>
        <span data-name="earned-pending" data-micros={earnings.pending.micros}>
          {money(earnings.pending)}
        </span>
      </Fact>
      <Fact name={t("desk.available")}>{money(earnings.available)}</Fact>
    </dl>
  );
}
