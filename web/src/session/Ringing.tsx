/** The screen while it rings: outgoing with cancel, incoming with accept and decline. */

import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { otherParty, type SessionView } from "../sdk/session";
import { Avatar } from "../ui/Avatar";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { isReady, ring, stop } from "./ringer";
import { shortPrice } from "./terms";

interface Props {
  view: SessionView;
  secondsLeft: number;
  onCancel: () => Promise<void>;
  onAccept: () => Promise<void>;
  onDecline: () => Promise<void>;
}

const ROUND = 2 * Math.PI * 46;
const RING_S = 30;

export function Ringing({ view, secondsLeft, ...on }: Props) {
  const isIncoming = view.side === "provider";
  const person = otherParty(view);
  const kind = view.session?.kind ?? "voice";
  useEffect(() => {
    ring(isIncoming ? "incoming" : "outgoing");
    return stop;
  }, [isIncoming]);
  useTitle(isIncoming ? `● ${t(`ring.incoming.${kind}`)}` : null);
  const title = isIncoming
    ? t(`ring.incoming.${kind}`)
    : t(kind === "text" ? "ring.inviting" : "ring.calling");
  const share = Math.min(1, secondsLeft / RING_S);
  return (
    <section class="stage ringing" data-name="ringing" aria-live="assertive">
      <p class="stage-kind">{title}</p>
      <div class="ring-round">
        <svg viewBox="0 0 100 100" aria-hidden="true" focusable="false">
          <circle class="ring-track" cx="50" cy="50" r="46" />
          <circle
            class="ring-left"
            cx="50"
            cy="50"
            r="46"
            stroke-dasharray={String(ROUND)}
            stroke-dashoffset={String(ROUND * (1 - share))}
          />
        </svg>
        <Avatar id={person.id} name={person.nickname} size="huge" />
      </div>
      <h1 class="stage-name">{person.nickname}</h1>
      <p class="note" aria-live="off">
        {t("ring.left", { seconds: secondsLeft })}
      </p>
      {view.session && (
        <p class="stage-price">{t("ring.you_earn", { price: shortPrice(view.session.tariff) })}</p>
      )}
      {isIncoming && !isReady.value && (
        <Banner tone="info" icon="sound">
          {t("ring.sound_off")}
        </Banner>
      )}
      <div class="stage-actions">
        {isIncoming ? (
          <>
            <Button tone="danger" size="large" icon="hang_up" onPress={on.onDecline} name="decline">
              {t("ring.decline")}
            </Button>
            <Button tone="accent" size="large" icon="phone" onPress={on.onAccept} name="accept">
              {t("ring.accept")}
            </Button>
          </>
        ) : (
          <Button tone="danger" size="large" icon="hang_up" onPress={on.onCancel} name="cancel">
            {t("ring.cancel")}
          </Button>
        )}
      </div>
    </section>
  );
}

/** Show `title` on the browser's tab as long as the component is there. */
function useTitle(title: string | null): void {
  useEffect(() => {
    if (!title) return;
    const before = document.title;
    document.title = title;
    return () => {
      document.title = before;
    };
  }, [title]);
}
