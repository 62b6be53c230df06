/** What a person should know during a session, the most pressing first. */

import type { ComponentChildren } from "preact";
import { problemText, t, tOr } from "../i18n";
import type { CallState } from "../sdk/call";
import type { Problem } from "../sdk/problem";
import { otherParty, type SessionView } from "../sdk/session";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";

interface Props {
  view: SessionView;
  callState: CallState;
  problem: Problem | null;
  onTakeOver: () => unknown;
  topUp?: ComponentChildren;
}

export function Notices({ view, callState, problem, onTakeOver, topUp }: Props) {
  const name = otherParty(view).nickname;
  const { warning, suspended, notice } = view;
  return (
    <div class="notices">
      {view.elsewhere && (
        <Banner
          tone="warn"
          action={
            <Button size="small" onPress={onTakeOver} name="bring-here">
              {t("talk.bring_here")}
            </Button>
          }
        >
          {t("talk.elsewhere")}
        </Banner>
      )}
      {problem && (
        <Banner
          tone="bad"
          action={
            <Button size="small" onPress={onTakeOver}>
              {t("app.retry")}
            </Button>
          }
        >
          {problemText(problem)}
        </Banner>
      )}
      {warning && !suspended && (
        <Banner tone={warning.secondsLeft <= 30 ? "bad" : "warn"} action={topUp} name="warning">
          {/* Read out once at the threshold; the seconds that run on are for the eye. */}
          <span class="hidden">{warningText(view, warning.secondsLeft)}</span>
          <span aria-hidden="true">{warningText(view, secondsLeft(view))}</span>
        </Banner>
      )}
      {suspended && (
        <Banner tone="warn" icon="pause" name="suspended">
          <strong>{t("suspended.title")}</strong> {t(`suspended.${suspended}`)}
        </Banner>
      )}
      {callState === "interrupted" && (
        <Banner tone="warn" name="interrupted">
          {t("talk.interrupted")}
        </Banner>
      )}
      {view.otherLost && <Banner tone="warn">{t("talk.other_lost", { name })}</Banner>}
      {notice && notice.action !== "sos" && (
        <Banner tone="warn">
          {t("notice.moderation", { category: tOr(`category.${notice.category}`, notice.category ?? "–") })}
        </Banner>
      )}
      {view.otherMuted && (
        <Banner tone="info" icon="mic_off">
          {t("talk.other_muted", { name })}
        </Banner>
      )}
    </div>
  );
}

function warningText(view: SessionView, seconds: number): string {
  const reason = view.warning?.reason ?? "funds";
  if (reason === "funds" && view.side === "provider") return t("warning.funds_provider", { seconds });
  return t(`warning.${reason}`, { seconds });
}

/** The gateway speaks of the threshold; what has passed since then is known from the ticks. */
function secondsLeft(view: SessionView): number {
  const threshold = view.warning?.secondsLeft ?? 0;
  return Math.max(0, Math.min(threshold, view.timeLeftS ?? threshold));
}
