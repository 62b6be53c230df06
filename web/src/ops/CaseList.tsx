/** Open cases, oldest first: what is contested, what is set apart, and the two ways to decide. */

import { money, t, when } from "../i18n";
import type { Case } from "../sdk/wire_money";
import type { IntendedAct } from "./counter";
import { Queue } from "./Queue";
import { QueueItem } from "./QueueItem";

interface Props {
  cases: Case[];
  onIntend: (intended: IntendedAct) => void;
}

export function CaseList({ cases, onIntend }: Props) {
  return (
    <Queue title={t("books.cases")} none={t("books.no_cases")} name="cases" count={cases.length}>
      {cases.map((each) => (
        <QueueItem
          key={each.id}
          subject={each.id}
          title={each.reason}
          acts={["to_provider", "to_client"]}
          isEven
          onIntend={onIntend}
        >
          <span>{each.reason}</span>
          <span class="note">
            {when(each.opened_at)} · {t("books.reserved", { amount: money(each.reserved) })}
          </span>
          <span class="note code">{each.session}</span>
        </QueueItem>
      ))}
    </Queue>
  );
}
