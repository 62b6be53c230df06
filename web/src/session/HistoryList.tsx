/** Past sessions, each a way to its receipt. */

import { t, when } from "../i18n";
import { phaseOf } from "../sdk/session";
import type { Session, Side } from "../sdk/wire";
import { Avatar } from "../ui/Avatar";
import { Icon } from "../ui/Icon";
import { endText } from "./endText";

interface Props {
  sessions: Session[];
  side: Side;
}

export function HistoryList({ sessions, side }: Props) {
  return (
    <ul class="card rows">
      {sessions.map((session) => {
        const party = side === "client" ? session.provider : session.client;
        const name = party.nickname ?? "";
        return (
          <li key={session.id}>
            <a
              class="past"
              href={`#/receipt/${session.id}`}
              aria-label={t("history.open", { name, when: when(session.created_at) })}
            >
              <Avatar id={party.id ?? name} name={name} size="small" />
              <span class="entry-words">
                <span>
                  {name} · {t(`kind.${session.kind}`)}
                </span>
                <span class="note">
                  {when(session.created_at)} ·{" "}
                  {phaseOf(session.state) === "ended"
                    ? endText(session.end_reason, side, name)
                    : t(`state.${session.state}`)}
                </span>
              </span>
              <Icon name="next" />
            </a>
          </li>
        );
      })}
    </ul>
  );
}
