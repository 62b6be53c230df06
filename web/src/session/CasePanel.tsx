/** Contesting a session: the way to say that something is wrong, and what has become of it. */

import { useState } from "preact/hooks";
import { money, t } from "../i18n";
import type { SessionState } from "../sdk/wire";
import type { Case } from "../sdk/wire_money";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { ReasonDialog } from "../ui/ReasonDialog";

interface Props {
  state: SessionState;
  /** Nothing charged, nothing to contest. */
  isCharged: boolean;
  onOpen: (reason: string) => Promise<Case>;
}

export function CasePanel({ state, isCharged, onOpen }: Props) {
  const [isAsking, setAsking] = useState(false);
  const [opened, setOpened] = useState<Case | null>(null);
  const text = caseText(state, opened);
  if (text) {
    return (
      <Banner tone="info" name="case">
        {text} {opened && t("case.yours", { reason: opened.reason })}
      </Banner>
    );
  }
  if (state !== "settled" || !isCharged) return null;
  return (
    <>
      <Button tone="quiet" icon="help" onPress={() => setAsking(true)} name="open-case">
        {t("case.open")}
      </Button>
      {isAsking && (
        <ReasonDialog
          title={t("case.title")}
          label={t("case.reason")}
          hint={t("case.reason_hint")}
          verb={t("case.send")}
          name="case-dialog"
          onClose={() => setAsking(false)}
          onDo={async (reason) => setOpened(await onOpen(reason))}
        >
          <p>{t("case.text")}</p>
        </ReasonDialog>
      )}
    </>
  );
}

function caseText(state: SessionState, opened: Case | null): string | null {
  if (opened?.state === "to_client") return t("case.state.to_client", { amount: money(opened.refunded) });
  if (opened?.state === "to_provider") return t("case.state.to_provider");
  if (state === "adjusted") return t("case.state.decided");
  return opened || state === "disputed" ? t("case.state.open") : null;
}
