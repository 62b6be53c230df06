/** Every session of this person, newest first. */

import { t } from "../i18n";
import { useApp } from "../shared/app";
import { ListFrame } from "../shared/ListFrame";
import { usePages } from "../shared/usePages";
import { Empty } from "../ui/Empty";
import { HistoryList } from "./HistoryList";

export function HistoryPage() {
  const app = useApp();
  const key = `sessions ${app.desk.view.value.phase}`;
  const pages = usePages(key, (cursor) => app.api.sessions(cursor));
  return (
    <>
      <header class="page-head">
        <h1>{t("history.title")}</h1>
      </header>
      <ListFrame
        pages={pages}
        empty={<Empty icon="history" title={t("history.empty")} hint={t("history.empty_hint")} />}
      >
        {(items) => <HistoryList sessions={items} side={app.desk.side} />}
      </ListFrame>
    </>
  );
}
