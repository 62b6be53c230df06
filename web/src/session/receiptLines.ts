/** A line of a receipt in words: what it is for, how much of it, and in which of the tariff's hours. */

import { duration, t, tOr } from "../i18n";
import type { Receipt, ReceiptLine } from "../sdk/wire";

export function lineName(line: ReceiptLine, receipt: Receipt): string {
  const parts = [
    tOr(`receipt.line.${line.code}`, line.code),
    hoursOf(line, receipt),
    amountOf(line, receipt),
  ];
  return parts.filter(Boolean).join(" · ");
}

function amountOf(line: ReceiptLine, receipt: Receipt): string {
  if (line.unit.startsWith("s")) return t("receipt.seconds", { count: line.quantity });
  if (line.unit === "block") {
    const time = duration(receipt.tariff.block?.length_s ?? 0);
    return t("receipt.blocks", { count: line.quantity, time });
  }
  return line.unit === "message" ? t("receipt.count", { count: line.quantity }) : "";
}

/** Period 0 is the tariff's usual price, which needs no words. */
function hoursOf(line: ReceiptLine, receipt: Receipt): string {
  const hours = line.period ? receipt.tariff.windows?.[line.period - 1] : undefined;
  return hours ? t("receipt.hours", { from: hours.from, until: hours.until }) : "";
}
