/** What a person should know during a session, the most pressing first. */

import type { ComponentChildren } from "preact";
import { money, problemText, t, tOr } from "../i18n";
import type { CallState } from "../sdk/call";
import type { Problem } from "../sdk/problem";
import { otherParty, type SessionView } from "../sdk/session";
import type { ConsentKind } from "../sdk/wire";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";

interface Props {
  view: SessionView;
  callState: CallState;
  problem: Problem | null;
  onTakeOver: () => unknown;
  onConsent: (kind: ConsentKind) => unknown;
  topUp?: ComponentChildren;
}

export function Notices({ view, callState, problem, onTakeOver, onConsent, topUp }: Props) {
  const name = otherParty(view).nickname;
  const { warning, suspended, notice, question } = view;
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
      {question && (
        <Banner
          tone="warn"
          name="question"
          action={
            view.side === "client" && (
              <Button size="small" tone="accent" onPress={() => onConsent(question.kind)} name="consent">
                {t(`consent.yes.${question.kind}`)}
              </Button>
            )
          }
        >
          {questionText(view)}
        </Banner>
      )}
      {view.spent && view.side === "client" && (
        <Banner tone="info" name="spent">
          {t("notice.spent", { amount: money(view.spent) })}
        </Banner>
      )}
      {warning && !suspended && !(question && warning.reason !== "funds") && (
        <Banner
          tone={warning.secondsLeft <= 30 ? "bad" : "warn"}
          // More money changes nothing about time that was bought, booked or limited.
          action={warning.reason === "funds" && topUp}
          name="warning"
        >
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

function questionText(view: SessionView): string {
  const { question } = view;
  if (!question) return "";
  if (view.side === "provider") return t("consent.provider");
  return question.kind === "block"
    ? t("consent.block", { price: money(question.price ?? question.spent) })
    : t("consent.spend", { amount: money(question.spent) });
}

function warningText(view: SessionView, seconds: number): string {
  const reason = view.warning?.reason ?? "funds";
  if (reason === "funds" && view.side === "provider") return t("warning.funds_provider", { seconds });
  if (reason === "block_end" && view.side === "provider") return t("warning.block_end_provider", { seconds });
  return t(`warning.${reason}`, { seconds });
}

/** The gateway speaks of the threshold; what has passed since then is known from the ticks. */
function secondsLeft(view: SessionView): number {
  const threshold = view.warning?.secondsLeft ?? 0;
  return Math.max(0, Math.min(threshold, view.timeLeftS ?? threshold));
}
