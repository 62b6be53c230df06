/** Says when there is no connection, and what becomes of it; silent while all is well. */

import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { useApp } from "./app";

export function LineBanner() {
  const app = useApp();
  const state = app.line.value;
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (state !== "connecting") return;
    const timer = setTimeout(() => setLong(true), 1_500);
    return () => clearTimeout(timer);
  }, [state]);
  if (state === "replaced") {
    const take = (
      <Button size="small" onPress={() => app.socket.open()}>
        {t("line.take_back")}
      </Button>
    );
    return (
      <Banner tone="warn" action={take}>
        {t("line.replaced")}
      </Banner>
    );
  }
  if (state === "reconnecting") {
    return (
      <Banner tone="warn" name="reconnecting">
        {t(navigator.onLine ? "line.reconnecting" : "line.offline")}
      </Banner>
    );
  }
  return state === "connecting" && isLong ? <Banner tone="info">{t("line.connecting")}</Banner> : null;
}
