/** What was earned, session by session, and the way to have it paid out. */

import { useState } from "preact/hooks";
import { day, duration, money, problemText, signedMoney, t, when } from "../i18n";
import type { EarningItem, Earnings } from "../sdk/wire";
import { useApp } from "../shared/app";
import { ListFrame } from "../shared/ListFrame";
import { useLoaded } from "../shared/useLoaded";
import { usePages } from "../shared/usePages";
import { Banner } from "../ui/Banner";
import { Empty } from "../ui/Empty";
import { EarningsFacts } from "./EarningsFacts";
import { PayoutList } from "./PayoutList";
import { PayoutPanel } from "./PayoutPanel";

export function EarningsPage() {
  const app = useApp();
  const [sums, setSums] = useState<Earnings | null>(null);
  const payouts = useLoaded("payouts", () => app.api.payouts());
  const pages = usePages("earnings", async (cursor) => {
    const page = await app.api.earnings(cursor);
    if (cursor === null) setSums(page);
    return page;
  });
  return (
    <>
      <header class="page-head">
        <h1>{t("earnings.title")}</h1>
      </header>
      {sums && <EarningsFacts earnings={sums} />}
      {sums && (
        <PayoutPanel
          key={sums.available.micros}
          available={sums.available}
          onRequest={async (amount, key) => {
            await app.api.requestPayout(amount, key);
            app.say(t("payout.requested"));
            await Promise.all([payouts.reload(), pages.reload()]);
          }}
        />
      )}
      {payouts.problem && <Banner tone="bad">{problemText(payouts.problem)}</Banner>}
      {payouts.value && <PayoutList payouts={payouts.value.items} />}
      <h2>{t("desk.recent")}</h2>
      <ListFrame
        pages={pages}
        empty={<Empty icon="wallet" title={t("earnings.empty")} hint={t("earnings.empty_hint")} />}
      >
        {(items) => <EarningsList items={items} />}
      </ListFrame>
    </>
  );
}

export function EarningsList({ items }: { items: EarningItem[] }) {
  return (
    <ul class="card rows">
      {items.map((item) => (
        <li key={item.session} class="entry">
          <span class="entry-words">
            <a href={`#/receipt/${item.session}`}>{when(item.at)}</a>
            <span class="note">
              {t("earnings.line", {
                time: duration(item.billed_s),
                charge: money(item.charge),
                fee: money(item.fee),
              })}
            </span>
            {item.available_on && (
              <span class="note">{t("earnings.available_on", { date: day(item.available_on) })}</span>
            )}
          </span>
          <span class="amount amount-in">{signedMoney(item.earned)}</span>
        </li>
      ))}
    </ul>
  );
}
