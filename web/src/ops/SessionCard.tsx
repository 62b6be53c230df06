/** One live session as an operator sees it: parties, seconds, money, both legs, what can be done. */

import { duration, money, t, tOr } from "../i18n";
import { Button } from "../ui/Button";
import { Icon, KIND_ICONS } from "../ui/Icon";
import type { Action } from "./Intervention";
import { LegTable } from "./LegTable";
import { gradeHint, type LiveReading } from "./snapshot";

interface Props {
  session: LiveReading;
  onIntend: (action: Action) => void;
}

export function SessionCard({ session, onIntend }: Props) {
  const isPausedByUs = session.suspended === "operator" || session.suspended === "sos";
  const grade = gradeHint(session);
  return (
    <article class="card live-card" data-name="live-session" data-session={session.session}>
      <header class="live-head">
        <Icon name={KIND_ICONS[session.kind]} />
        <h2>
          {session.client} <span aria-hidden="true">→</span> {session.provider}
        </h2>
        <span class={`tag tag-${session.suspended ? "suspended" : session.state}`}>
          {tOr(`state.${session.state}`, session.state)}
        </span>
        <span class="code live-id">{session.session}</span>
      </header>
      {session.suspended && (
        <p class="note note-warn">{tOr(`suspended.${session.suspended}`, session.suspended)}</p>
      )}
      <dl class="live-facts">
        <Figure name={t("ops.elapsed")} value={duration(session.elapsed_s)} />
        <Figure name={t("ops.billed")} value={duration(session.billed_s)} isMain field="billed" />
        <Figure name={t("ops.provisional")} value={`${session.provisional_s} s`} />
        <Figure
          name={t("ops.unwitnessed")}
          value={`${session.unwitnessed_s} s`}
          isBad={session.unwitnessed_s > 0}
        />
        <Figure name={t("ops.cost")} value={money(session.cost)} isMain />
        <Figure
          name={t("ops.left")}
          value={session.time_left_s === null ? "–" : duration(session.time_left_s)}
        />
        <Figure
          name={t("ops.grade")}
          value={t(grade === "A" ? "ops.grade_a" : "ops.grade_b")}
          isBad={grade === "B"}
        />
      </dl>
      <LegTable legs={session.legs} names={{ client: session.client, provider: session.provider }} />
      <footer class="row live-foot">
        <span class={session.verdicts > 0 ? "note note-warn" : "note"}>
          {t("ops.verdicts", { count: session.verdicts })}
        </span>
        {isPausedByUs ? (
          <Button size="small" icon="play" onPress={() => onIntend("resume")} name="resume">
            {t("ops.resume")}
          </Button>
        ) : (
          <Button size="small" icon="pause" onPress={() => onIntend("pause")} name="pause">
            {t("ops.pause")}
          </Button>
        )}
        <Button size="small" tone="danger" icon="hang_up" onPress={() => onIntend("end")} name="end">
          {t("ops.end")}
        </Button>
      </footer>
    </article>
  );
}

interface FigureProps {
  name: string;
  value: string;
  isMain?: boolean;
  isBad?: boolean;
  field?: string;
}

function Figure({ name, value, isMain, isBad, field }: FigureProps) {
  const classes = [isMain ? "number-main" : "", isBad ? "number-bad" : ""].join(" ").trim();
  return (
    <div class={classes || undefined}>
      <dt>{name}</dt>
      <dd data-name={field}>{value}</dd>
    </div>
  );
}
