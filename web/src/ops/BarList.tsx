/** Wallets that nothing more is set aside from, why, and the way to lift that. */

import { t, tOr, when } from "../i18n";
import type { Bar } from "../sdk/wire_money";
import type { IntendedAct } from "./counter";
import { Queue } from "./Queue";
import { QueueItem } from "./QueueItem";

interface Props {
  bars: Bar[];
  onIntend: (intended: IntendedAct) => void;
}

export function BarList({ bars, onIntend }: Props) {
  return (
    <Queue title={t("books.bars")} none={t("books.no_bars")} name="bars" count={bars.length}>
      {bars.map((bar) => (
        <QueueItem
          key={bar.account}
          subject={bar.account}
          title={bar.account}
          acts={["lift"]}
          onIntend={onIntend}
        >
          {/* A monitor names the check that failed. */}
          <span>{t("books.broken", { check: tOr(`invariant.${bar.why}`, bar.why) })}</span>
          <span class="note">{when(bar.at)}</span>
          <span class="note code">{bar.account}</span>
        </QueueItem>
      ))}
    </Queue>
  );
}
