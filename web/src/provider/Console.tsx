/** The provider's console: desk, earnings, history, and the live session over them. */

import { HistoryPage } from "../session/HistoryPage";
import { LiveSession } from "../session/LiveSession";
import { ReceiptPage } from "../session/ReceiptPage";
import { useApp } from "../shared/app";
import { route } from "../shared/router";
import { type Place, Shell } from "../shared/Shell";
import { DeskPage } from "./DeskPage";
import { EarningsPage } from "./EarningsPage";

const PLACES: Place[] = [
  { path: "desk", icon: "phone", key: "nav.desk" },
  { path: "earnings", icon: "wallet", key: "nav.earnings" },
  { path: "history", icon: "history", key: "nav.history" },
];

export function Console() {
  const app = useApp();
  if (app.desk.view.value.phase !== "none") return <LiveSession />;
  const [place, detail] = route.value;
  return (
    <Shell places={PLACES}>
      {place === "earnings" ? (
        <EarningsPage />
      ) : place === "history" ? (
        <HistoryPage />
      ) : place === "receipt" && detail ? (
        <ReceiptPage session={detail} />
      ) : (
        <DeskPage />
      )}
    </Shell>
  );
}
