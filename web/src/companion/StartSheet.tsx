/** Before it rings: the price agreed to, and how long the balance lasts. */

import { useState } from "preact/hooks";
import { duration, money, Problem, problemText, t } from "../i18n";
import type { Offer, Provider, Tariff } from "../sdk/wire";
import { fullPrice, furtherTerms } from "../session/terms";
import { useApp } from "../shared/app";
import { useLoaded } from "../shared/useLoaded";
import { Avatar } from "../ui/Avatar";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { KIND_ICONS } from "../ui/Icon";

interface Props {
  provider: Provider;
  offer: Offer;
  onClose: () => void;
  onTopUp: () => void;
}

const MINUTE_S = 60;

export function StartSheet({ provider, offer, onClose, onTopUp }: Props) {
  const app = useApp();
  const [fresh, setFresh] = useState<{ tariff: Tariff; hash: string } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const quote = useLoaded(`quote ${provider.id} ${offer.kind} ${app.available.value?.micros}`, () =>
    app.api.quote(provider.id, offer.kind, MINUTE_S),
  );
  const tariff = fresh?.tariff ?? quote.value?.tariff ?? offer.tariff;
  const hash = fresh?.hash ?? quote.value?.tariff_hash ?? offer.tariff_hash;
  const affordable = quote.value?.affordable_s ?? null;
  const available = app.available.value?.micros ?? null;
  const holds = quote.value !== null && (available === null || quote.value.hold.micros <= available);
  const isShort = (quote.value !== null && !holds) || problem?.code === "insufficient_funds";
  const start = async () => {
    setProblem(null);
    try {
      await app.desk.invite(provider.id, offer.kind, hash);
      onClose();
    } catch (thrown) {
      const refused = Problem.from(thrown);
      if (refused.tariff && refused.tariffHash)
        setFresh({ tariff: refused.tariff, hash: refused.tariffHash });
      setProblem(refused);
    }
  };
  const shown = problem ?? quote.problem;
  return (
    <Dialog
      title={t(`sheet.title.${offer.kind}`, { name: provider.nickname })}
      onClose={onClose}
      name="start-sheet"
      actions={
        <>
          {isShort && (
            <Button tone="accent" size="large" icon="plus" isWide onPress={onTopUp} name="sheet-top-up">
              {t("talk.top_up")}
            </Button>
          )}
          <Button
            tone={isShort ? "plain" : "accent"}
            size="large"
            icon={KIND_ICONS[offer.kind]}
            isWide
            isDisabled={isShort}
            onPress={start}
            name="start"
          >
            {t(`sheet.start.${offer.kind}`)}
          </Button>
        </>
      }
    >
      <div class="sheet-who">
        <Avatar id={provider.id} name={provider.nickname} />
        <p class="person-brief">{provider.brief}</p>
      </div>
      {shown && <Banner tone={shown.code === "tariff_changed" ? "warn" : "bad"}>{problemText(shown)}</Banner>}
      <dl class="pairs">
        <div class="pair">
          <dt>{t("sheet.price")}</dt>
          <dd>{fullPrice(tariff)}</dd>
        </div>
        {app.available.value && (
          <div class="pair">
            <dt>{t("sheet.balance")}</dt>
            <dd>
              {money(app.available.value)}
              {affordable !== null && !holds && <span class="note">{t("sheet.lasts_not")}</span>}
              {affordable !== null && holds && isTimed(tariff) && (
                <span class="note">{t("sheet.lasts", { time: duration(affordable) })}</span>
              )}
            </dd>
          </div>
        )}
      </dl>
      <ul class="terms">
        <li>{t(tariff.kind === "per_message" ? "sheet.promise_messages" : "sheet.promise")}</li>
        {furtherTerms(tariff).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </Dialog>
  );
}

/** Whether money runs out with time; a message or a whole session costs the same however long it takes. */
function isTimed(tariff: Tariff): boolean {
  return tariff.kind !== "per_message" && tariff.kind !== "per_session";
}
