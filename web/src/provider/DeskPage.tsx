/** Where a provider goes online and waits: presence, today's earnings, own prices. */

import { useEffect } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import type { PresenceState } from "../sdk/wire";
import { useApp } from "../shared/app";
import { useLoaded } from "../shared/useLoaded";
import { EarningsFacts } from "./EarningsFacts";
import { PresencePanel } from "./PresencePanel";
import { Prices } from "./Prices";
import { wanted } from "./presence";

export function DeskPage() {
  const app = useApp();
  const id = app.account.value?.id ?? "";
  const own = useLoaded(`me ${id}`, async () => {
    const me = await app.api.provider(id);
    if (!app.presence.value[id]) app.presence.value = { ...app.presence.value, [id]: me.presence };
    return me;
  });
  const earnings = useLoaded("earnings", () => app.api.earnings());
  const offers = useLoaded(`offers ${id}`, () => app.api.offers());
  const state: PresenceState = app.presence.value[id] ?? own.value?.presence ?? "offline";
  const isOnline = app.line.value === "online";
  const set = async (next: "online" | "paused" | "offline") => {
    try {
      await app.socket.request({ type: "presence.set", state: next });
      wanted.value = next;
      app.presence.value = { ...app.presence.value, [id]: next };
    } catch (thrown) {
      app.say(problemText(Problem.from(thrown)), true);
    }
  };
  // The gateway forgets a provider whose socket was gone for long: after a reconnect say it again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new connection asks for it.
  useEffect(() => {
    if (isOnline && wanted.value && wanted.value !== "offline") void set(wanted.value);
  }, [isOnline]);
  return (
    <>
      <h1 class="hidden">{t("nav.desk")}</h1>
      <PresencePanel state={state} isConnected={isOnline} onSet={set} />
      {earnings.value && <EarningsFacts earnings={earnings.value} />}
      {offers.value && (
        <Prices
          offers={offers.value.items}
          currency={offers.value.items[0]?.currency ?? earnings.value?.today.currency ?? "CNY"}
          onSave={async (kind, terms) => {
            await app.api.setOffer(kind, terms);
            app.say(t("price.saved"));
            await offers.reload();
          }}
        />
      )}
    </>
  );
}
