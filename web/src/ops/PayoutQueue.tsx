/** Payouts that are not done: how much, for whom, and what comes next. */

import { money, t, when } from "../i18n";
import type { OperatorPayout } from "../sdk/wire_money";
import { type IntendedAct, PAYOUT_ACTS } from "./counter";
import { Queue } from "./Queue";
import { QueueItem } from "./QueueItem";

interface Props {
  payouts: OperatorPayout[];
  onIntend: (intended: IntendedAct) => void;
}

export function PayoutQueue({ payouts, onIntend }: Props) {
  return (
    <Queue title={t("books.payouts")} none={t("books.no_payouts")} name="payouts" count={payouts.length}>
      {payouts.map((payout) => (
        <QueueItem
          key={payout.id}
          subject={payout.id}
          title={money(payout.amount)}
          acts={PAYOUT_ACTS[payout.state]}
          onIntend={onIntend}
        >
          <span data-state={payout.state}>
            <strong class="amount">{money(payout.amount)}</strong> · {t(`payout.state.${payout.state}`)}
          </span>
          <span class="note">
            {when(payout.requested_at)}
            {payout.approvers.length > 0 && ` · ${t("books.approvals", { count: payout.approvers.length })}`}
            {payout.fee.micros > 0 && ` · ${t("payout.net", { amount: money(payout.net) })}`}
          </span>
          <span class="note code">{payout.provider}</span>
        </QueueItem>
      ))}
    </Queue>
  );
}
