/** After the end: why, and the receipt. */

import { t } from "../i18n";
import { otherParty, type SessionView } from "../sdk/session";
import { Avatar } from "../ui/Avatar";
import { Button } from "../ui/Button";
import { endText } from "./endText";
import { ReceiptCard } from "./ReceiptCard";

interface Props {
  view: SessionView;
  onDone: () => void;
  onEvidence?: () => Promise<void>;
}

export function Ended({ view, onDone, onEvidence }: Props) {
  const person = otherParty(view);
  const { receipt } = view;
  const hasTalked = receipt !== null && receipt.started_at !== null;
  // Seconds ran but the receipt could not be read: say that, rather than that nothing is owed.
  const isUnread = receipt === null && (view.startedAt !== null || view.tick > 0);
  return (
    <section class="stage ended" data-name="ended" data-reason={view.endReason}>
      <Avatar id={person.id} name={person.nickname} />
      <h1 class="stage-name">{t("end.title")}</h1>
      <p class="lead" role="status">
        {endText(view.endReason, view.side, person.nickname)}
      </p>
      {receipt && hasTalked ? (
        <ReceiptCard
          receipt={receipt}
          side={view.side}
          otherName={person.nickname}
          {...(onEvidence ? { onEvidence } : {})}
        />
      ) : (
        <p class="note">{t(isUnread ? "receipt.missing" : "end.no_charge")}</p>
      )}
      <div class="stage-actions">
        <Button tone="accent" size="large" onPress={onDone} name="done">
          {t("end.done")}
        </Button>
      </div>
    </section>
  );
}
