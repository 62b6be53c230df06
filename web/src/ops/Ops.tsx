/** The operator's page: live sessions, the ledger's checks, this node's health; beside it the books. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { problemText, t } from "../i18n";
import { useApp } from "../shared/app";
import { route } from "../shared/router";
import { type Place, Shell } from "../shared/Shell";
import { Banner } from "../ui/Banner";
import { Empty } from "../ui/Empty";
import { BooksPage } from "./BooksPage";
import { type Intended, Intervention } from "./Intervention";
import { InvariantList } from "./InvariantList";
import { NodeHealth } from "./NodeHealth";
import { LoadBanner } from "./NodeLoad";
import { SessionCard } from "./SessionCard";
import type { Invariants, Live } from "./snapshot";
import { Watch } from "./watch";

const STALE_S = 4;

const PLACES: Place[] = [
  { path: "live", icon: "phone", key: "nav.live" },
  { path: "books", icon: "wallet", key: "nav.books" },
];

export function Ops() {
  return (
    <Shell places={PLACES} isWide>
      {route.value[0] === "books" ? <BooksPage /> : <LivePage />}
    </Shell>
  );
}

function LivePage() {
  const app = useApp();
  const watch = useMemo(() => new Watch(app.api.http), [app]);
  const [intended, setIntended] = useState<Intended | null>(null);
  useEffect(() => watch.start(), [watch]);
  const problem = watch.problem.value;
  return (
    <>
      {problem && <Banner tone="bad">{problemText(problem)}</Banner>}
      {watch.staleS.value >= STALE_S && (
        <Banner tone="warn">{t("ops.stale", { seconds: watch.staleS.value })}</Banner>
      )}
      <OpsBoard live={watch.live.value} invariants={watch.invariants.value} onIntend={setIntended} />
      {intended && (
        <Intervention
          intended={intended}
          onClose={() => setIntended(null)}
          onDo={async (reason) => {
            await watch.intervene(intended.session.session, intended.action, reason);
            app.say(t("ops.done", { action: t(`ops.${intended.action}`) }));
          }}
        />
      )}
    </>
  );
}

interface BoardProps {
  live: Live | null;
  invariants: Invariants | null;
  onIntend: (intended: Intended) => void;
}

export function OpsBoard({ live, invariants, onIntend }: BoardProps) {
  return (
    <div class="ops">
      {live && <LoadBanner load={live.node.load} />}
      <section class="ops-live" aria-labelledby="ops-live">
        <header class="page-head">
          <h1 id="ops-live">{t("ops.live")}</h1>
          {live && <p class="note">{t("ops.live_count", { count: live.sessions.length })}</p>}
        </header>
        {!live && <p class="loading">{t("app.loading")}</p>}
        {live?.sessions.length === 0 && (
          <Empty icon="phone" title={t("ops.none")} hint={t("ops.none_hint")} />
        )}
        {live?.sessions.map((session) => (
          <SessionCard
            key={session.session}
            session={session}
            onIntend={(action) => onIntend({ session, action })}
          />
        ))}
      </section>
      <aside class="ops-side">
        {invariants && <InvariantList invariants={invariants} at={live?.at ?? null} />}
        {live && <NodeHealth live={live} />}
      </aside>
    </div>
  );
}
