/** The big switch: offline, online, on a break. */

import { t } from "../i18n";
import type { PresenceState } from "../sdk/wire";
import { Button } from "../ui/Button";
import type { Wanted } from "./presence";

interface Props {
  state: PresenceState;
  isConnected: boolean;
  onSet: (state: Wanted) => Promise<void>;
}

export function PresencePanel({ state, isConnected, onSet }: Props) {
  const hint = state === "online" || state === "paused" || state === "offline" ? t(`desk.${state}_hint`) : "";
  return (
    <section
      class={`card presence-panel presence-panel-${state}`}
      data-name="presence-panel"
      data-presence={state}
    >
      <span class="beacon" aria-hidden="true" />
      <div role="status">
        <h2>{t(`desk.${state}`)}</h2>
        <p class="note">{hint}</p>
      </div>
      <div class="row">
        {state !== "online" && (
          <Button
            tone="accent"
            size="large"
            icon="power"
            isDisabled={!isConnected}
            onPress={() => onSet("online")}
            name="go-online"
          >
            {t("desk.go_online")}
          </Button>
        )}
        {state === "online" && (
          <Button
            size="large"
            icon="pause"
            isDisabled={!isConnected}
            onPress={() => onSet("paused")}
            name="go-paused"
          >
            {t("desk.pause")}
          </Button>
        )}
        {state !== "offline" && (
          <Button
            tone="quiet"
            size="large"
            isDisabled={!isConnected}
            onPress={() => onSet("offline")}
            name="go-offline"
          >
            {t("desk.go_offline")}
          </Button>
        )}
      </div>
    </section>
  );
}
