/** Who can be called: those online first, kept fresh by presence messages. */

import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { Offer, PresenceState, Provider } from "../sdk/wire";
import { useApp } from "../shared/app";
import { ListFrame } from "../shared/ListFrame";
import { usePages } from "../shared/usePages";
import { Empty } from "../ui/Empty";
import { PersonCard } from "./PersonCard";
import { StartSheet } from "./StartSheet";

const ORDER: PresenceState[] = ["online", "in_session", "ringing", "paused", "offline"];

export function People({ onTopUp }: { onTopUp: () => void }) {
  const app = useApp();
  const [chosen, setChosen] = useState<{ provider: Provider; offer: Offer } | null>(null);
  // A new connection may have missed changes of presence, so the list is read again.
  const pages = usePages(`people ${app.line.value === "online"}`, (cursor) => app.api.providers(cursor));
  return (
    <>
      <ListFrame
        pages={pages}
        empty={<Empty icon="people" title={t("people.empty")} hint={t("people.empty_hint")} />}
      >
        {(items) => (
          <PeopleList
            providers={items}
            presence={app.presence.value}
            onStart={(provider, offer) => setChosen({ provider, offer })}
          />
        )}
      </ListFrame>
      {chosen && (
        <StartSheet
          provider={chosen.provider}
          offer={chosen.offer}
          onClose={() => setChosen(null)}
          onTopUp={() => {
            setChosen(null);
            onTopUp();
          }}
        />
      )}
    </>
  );
}

interface ListProps {
  providers: Provider[];
  presence: Record<string, PresenceState>;
  onStart: (provider: Provider, offer: Offer) => void;
}

export function PeopleList({ providers, presence, onStart }: ListProps) {
  const rows = providers
    .map((provider) => ({ provider, state: presence[provider.id] ?? provider.presence }))
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const online = rows.filter((row) => row.state === "online").length;
  return (
    <>
      <header class="page-head">
        <h1>{t("people.title")}</h1>
        <p class="note" role="status">
          {online > 0 ? t("people.online", { count: online }) : t("people.none_online")}
        </p>
      </header>
      <ul class="people">
        {rows.map(({ provider, state }) => (
          <PersonCard
            key={provider.id}
            provider={provider}
            presence={state}
            onStart={(offer) => onStart(provider, offer)}
          />
        ))}
      </ul>
    </>
  );
}
