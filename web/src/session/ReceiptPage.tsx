/** One past session: why it ended, its receipt, and what to do where it is wrong. */

import { problemText, t } from "../i18n";
import { useApp } from "../shared/app";
import { useLoaded } from "../shared/useLoaded";
import { Banner } from "../ui/Banner";
import { Empty } from "../ui/Empty";
import { Icon } from "../ui/Icon";
import { CasePanel } from "./CasePanel";
import { endText } from "./endText";
import { ReceiptCard } from "./ReceiptCard";
import { saveJson } from "./saveJson";

export function ReceiptPage({ session }: { session: string }) {
  const app = useApp();
  const { side } = app.desk;
  const row = useLoaded(session, () => app.api.session(session));
  const receipt = useLoaded(session, () => app.api.receipt(session));
  const party = side === "client" ? row.value?.provider : row.value?.client;
  const name = party?.nickname ?? "";
  const isMissing = receipt.problem?.code === "not_found";
  return (
    <div class="narrow">
      <a class="back" href="#/history">
        <Icon name="back" />
        {t("nav.history")}
      </a>
      {row.value && <p class="lead">{endText(row.value.end_reason, side, name)}</p>}
      {receipt.value && (
        <ReceiptCard
          receipt={receipt.value}
          side={side}
          otherName={name}
          onEvidence={async () => saveJson(`${session}-evidence.json`, await app.api.evidence(session))}
        />
      )}
      {row.value && receipt.value && (
        <CasePanel
          state={row.value.state}
          isCharged={receipt.value.charge_micros > 0}
          onOpen={(reason) => app.api.openCase(session, reason)}
        />
      )}
      {receipt.problem && !isMissing && <Banner tone="bad">{problemText(receipt.problem)}</Banner>}
      {isMissing && <Empty icon="history" title={t("receipt.missing")} hint="" />}
    </div>
  );
}
