/** Why a session ended, in words that fit the reader's side. */

import { t } from "../i18n";
import type { EndReason, Side } from "../sdk/wire";

export function endText(reason: EndReason | null, side: Side, name: string): string {
  switch (reason) {
    case null:
      return "";
    case "hangup_client":
      return side === "client" ? t("end.hangup_you") : t("end.hangup_other", { name });
    case "hangup_provider":
      return side === "provider" ? t("end.hangup_you") : t("end.hangup_other", { name });
    case "lost_client":
      return side === "client" ? t("end.lost_you") : t("end.lost_other", { name });
    case "lost_provider":
      return side === "provider" ? t("end.lost_you") : t("end.lost_other", { name });
    case "declined":
      return side === "provider" ? t("end.declined_you") : t("end.declined", { name });
    case "missed":
      return side === "provider" ? t("end.missed_you") : t("end.missed", { name });
    default:
      return t(`end.${reason}`, { name });
  }
}
