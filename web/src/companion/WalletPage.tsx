/** The wallet: what there is, what is held, and every movement. */

import { money, signedMoney, t, tOr, when } from "../i18n";
import type { Wallet, WalletEntry } from "../sdk/wire";
import { useApp } from "../shared/app";
import { ListFrame } from "../shared/ListFrame";
import { useLoaded } from "../shared/useLoaded";
import { usePages } from "../shared/usePages";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";

export function WalletPage({ onTopUp }: { onTopUp: () => void }) {
  const app = useApp();
  const version = String(app.available.value?.micros ?? 0);
  const wallet = useLoaded(`wallet ${version}`, () => app.api.wallet());
  const pages = usePages(`entries ${version}`, (cursor) => app.api.walletEntries(cursor));
  return (
    <>
      <header class="page-head">
        <h1>{t("wallet.title")}</h1>
      </header>
      {wallet.value && <Balance wallet={wallet.value} onTopUp={onTopUp} />}
      <h2>{t("wallet.entries")}</h2>
      <ListFrame
        pages={pages}
        empty={<Empty icon="wallet" title={t("wallet.empty")} hint={t("wallet.empty_hint")} />}
      >
        {(items) => <Entries entries={items} />}
      </ListFrame>
    </>
  );
}

export function Balance({ wallet, onTopUp }: { wallet: Wallet; onTopUp: () => void }) {
  return (
    <section class="card balance">
      <div>
        <p class="note">{t("wallet.available")}</p>
        <p class="balance-amount" data-name="available" data-micros={wallet.available.micros}>
          {money(wallet.available)}
        </p>
      </div>
      <Button tone="accent" size="large" icon="plus" onPress={onTopUp} name="wallet-top-up">
        {t("talk.top_up")}
      </Button>
      <dl class="balance-parts">
        <div>
          <dt>{t("wallet.cash")}</dt>
          <dd>{money(wallet.cash)}</dd>
        </div>
        <div>
          <dt>{t("wallet.promo")}</dt>
          <dd>{money(wallet.promo)}</dd>
        </div>
        <div>
          <dt>{t("wallet.held")}</dt>
          <dd>{money(wallet.held)}</dd>
        </div>
      </dl>
    </section>
  );
}

export function Entries({ entries }: { entries: WalletEntry[] }) {
  return (
    <ul class="card rows">
      {entries.map((entry) => (
        <li key={entry.id} class="entry">
          <span class="entry-words">
            <span>{tOr(`wallet.kind.${entry.kind}`, entry.memo || t("wallet.kind.other"))}</span>
            <span class="note">
              {entry.session ? <a href={`#/receipt/${entry.session}`}>{when(entry.at)}</a> : when(entry.at)}
            </span>
          </span>
          <span class={entry.amount.micros > 0 ? "amount amount-in" : "amount"}>
            {signedMoney(entry.amount)}
          </span>
        </li>
      ))}
    </ul>
  );
}
