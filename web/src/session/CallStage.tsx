/** The heart of the talk screen: who, how long, what it costs, how long it lasts. */

import { duration, money, t } from "../i18n";
import type { CallState } from "../sdk/call";
import { talkTime } from "../sdk/clock";
import { otherParty, type SessionView, shownSeconds } from "../sdk/session";
import { Avatar } from "../ui/Avatar";
import { shortPrice } from "./terms";

interface Props {
  view: SessionView;
  callState: CallState;
  isSpeaking: boolean;
  isCompact: boolean;
}

export function CallStage({ view, callState, isSpeaking, isCompact }: Props) {
  const person = otherParty(view);
  const isTalking = view.phase === "talking";
  const classes = ["face"];
  if (isTalking && isSpeaking && !view.suspended) classes.push("face-speaking");
  return (
    <div class={isCompact ? "call-stage call-stage-compact" : "call-stage"}>
      <div class="who">
        <span class={classes.join(" ")}>
          <Avatar id={person.id} name={person.nickname} size={isCompact ? "normal" : "huge"} />
        </span>
        <h1 class="stage-name">{person.nickname}</h1>
        <StateWord view={view} callState={callState} />
      </div>
      {isTalking ? <Numbers view={view} /> : <Waiting view={view} callState={callState} />}
    </div>
  );
}

function Numbers({ view }: { view: SessionView }) {
  const seconds = shownSeconds(view);
  const tariff = view.session?.tariff;
  const freeUntil = tariff?.free_if_ended_within_s ?? 0;
  const shown = (view.side === "provider" ? (view.earned ?? view.cost) : view.cost) ?? {
    micros: 0,
    currency: tariff?.currency ?? "CNY",
  };
  return (
    <div class="numbers">
      <p
        class={view.suspended ? "clock clock-held" : "clock"}
        role="timer"
        aria-label={t("talk.time")}
        aria-live="off"
      >
        <span data-name="seconds" data-seconds={seconds}>
          {talkTime(seconds)}
        </span>
      </p>
      {view.side === "client" && seconds < freeUntil && (
        <p class="note numbers-note">{t("talk.free_until", { time: talkTime(freeUntil) })}</p>
      )}
      <dl class="numbers-row">
        <div>
          <dt>{t(view.side === "provider" ? "talk.earned" : "talk.cost")}</dt>
          <dd data-name="cost">{money(shown)}</dd>
        </div>
        <div>
          <dt>{t("sheet.price")}</dt>
          <dd>{tariff && shortPrice(tariff)}</dd>
        </div>
        {view.timeLeftS !== null && (
          <div class={urgency(view.timeLeftS)}>
            <dt>{t("talk.left_label")}</dt>
            <dd data-name="time-left">{duration(view.timeLeftS)}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}

function Waiting({ view, callState }: { view: SessionView; callState: CallState }) {
  const isText = view.session?.kind === "text";
  return (
    <div class="waiting">
      <p class="waiting-title">
        {callState === "asking"
          ? t(view.session?.kind === "video" ? "talk.asking_camera" : "talk.asking_mic")
          : t(isText ? "talk.connecting_text" : "talk.connecting")}
        <span class="dots" aria-hidden="true" />
      </p>
      <p class="note">{t("talk.not_yet")}</p>
    </div>
  );
}

function StateWord({ view, callState }: { view: SessionView; callState: CallState }) {
  if (view.phase !== "talking") return null;
  if (view.suspended) return <p class="state state-held">{t("state.suspended")}</p>;
  if (callState === "interrupted" || callState === "connecting")
    return <p class="state state-held">{t("line.connecting")}</p>;
  // A few seconds always wait for the next packet; more than that is worth a word.
  if (view.provisionalS > 4) return <p class="state">{t("talk.checking", { seconds: view.provisionalS })}</p>;
  return <p class="state state-good">{view.muted ? t("talk.muted") : t("talk.good")}</p>;
}

function urgency(secondsLeft: number): string {
  if (secondsLeft <= 30) return "left left-bad";
  return secondsLeft <= 120 ? "left left-warn" : "left";
}
