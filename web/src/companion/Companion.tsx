/** The companion app: people, wallet, history, and the live session over them. */

import { useEffect, useState } from "preact/hooks";
import { money, t } from "../i18n";
import type { Money } from "../sdk/wire";
import { HistoryPage } from "../session/HistoryPage";
import { LiveSession } from "../session/LiveSession";
import { ReceiptPage } from "../session/ReceiptPage";
import { useApp } from "../shared/app";
import { route } from "../shared/router";
import { type Place, Shell } from "../shared/Shell";
import { Button } from "../ui/Button";
import { People } from "./People";
import { TopUp } from "./TopUp";
import { WalletPage } from "./WalletPage";

const PLACES: Place[] = [
  { path: "people", icon: "people", key: "nav.people" },
  { path: "wallet", icon: "wallet", key: "nav.wallet" },
  { path: "history", icon: "history", key: "nav.history" },
];

/** What one tap inside a warning adds, in whole units. */
const QUICK = 50;

export function Companion() {
  const app = useApp();
  const [topUp, setTopUp] = useState<{ amount: Money | null } | null>(null);
  const available = app.available.value;
  const currency = available?.currency ?? "CNY";
  const account = app.account.value?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each person who signs in.
  useEffect(() => {
    void app.api.wallet().then(
      (wallet) => {
        app.available.value = wallet.available;
      },
      () => undefined,
    );
  }, [account]);
  const open = () => setTopUp({ amount: null });
  const quick: Money = { micros: QUICK * 1_000_000, currency };
  const corner = available && (
    <a class="corner-balance" href="#/wallet" aria-label={`${t("wallet.available")}: ${money(available)}`}>
      {money(available)}
    </a>
  );
  return (
    <>
      {app.desk.view.value.phase === "none" ? (
        <Shell places={PLACES} corner={corner}>
          <Page onTopUp={open} />
        </Shell>
      ) : (
        <LiveSession
          onTopUp={open}
          topUp={
            <Button
              tone="accent"
              size="small"
              icon="plus"
              onPress={() => setTopUp({ amount: quick })}
              name="quick-top-up"
            >
              {t("warning.add", { amount: money(quick) })}
            </Button>
          }
        />
      )}
      {topUp && <TopUp currency={currency} amount={topUp.amount} onClose={() => setTopUp(null)} />}
    </>
  );
}

function Page({ onTopUp }: { onTopUp: () => void }) {
  const [place, detail] = route.value;
  if (place === "wallet") return <WalletPage onTopUp={onTopUp} />;
  if (place === "history") return <HistoryPage />;
  if (place === "receipt" && detail) return <ReceiptPage session={detail} />;
  return <People onTopUp={onTopUp} />;
}
