/** The receipt as a person reads it; the signed file is a button below. */

import { duration, money, price, t, tOr, when } from "../i18n";
import type { Receipt, Side } from "../sdk/wire";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { lineName } from "./receiptLines";
import { saveJson } from "./saveJson";

interface Props {
  receipt: Receipt;
  side: Side;
  otherName: string;
  onEvidence?: () => Promise<void>;
}

export function ReceiptCard({ receipt, side, otherName, onEvidence }: Props) {
  const amount = (micros: number) => money({ micros, currency: receipt.currency });
  const total = side === "provider" ? receipt.earned_micros : receipt.charge_micros;
  return (
    <article class="card receipt" data-name="receipt" data-receipt={receipt.receipt}>
      <header class="receipt-head">
        <p class="note">{t("receipt.for", { name: otherName })}</p>
        <p class="receipt-total" data-name="receipt-total">
          {amount(total)}
        </p>
        <p class="note">
          {receipt.charge_micros === 0
            ? t("end.no_charge")
            : t(side === "provider" ? "receipt.share" : "receipt.total")}
        </p>
      </header>
      <dl class="receipt-seconds">
        <Count name={t("receipt.billed")} seconds={receipt.billed_s} isMain />
        <Count name={t("receipt.free")} seconds={receipt.free_s} />
        <Count name={t("receipt.paused")} seconds={receipt.paused_s} />
        <Count name={t("receipt.unwitnessed")} seconds={receipt.unwitnessed_s} />
      </dl>
      <dl class="pairs">
        {receipt.lines.map((line) => (
          <Pair
            key={`${line.code} ${line.period ?? 0}`}
            name={lineName(line, receipt)}
            value={price(line.amount_micros, receipt.currency)}
          />
        ))}
        {side === "provider" ? (
          <>
            <Pair name={t("receipt.charge")} value={amount(receipt.charge_micros)} />
            <Pair
              name={t("receipt.fee", { percent: `${receipt.fee_bp / 100}%` })}
              value={amount(-receipt.fee_micros)}
            />
          </>
        ) : (
          <>
            {receipt.promo_micros > 0 && (
              <Pair name={t("receipt.promo")} value={amount(receipt.promo_micros)} />
            )}
            {receipt.cash_micros > 0 && <Pair name={t("receipt.cash")} value={amount(receipt.cash_micros)} />}
          </>
        )}
        <Pair
          name={t(side === "provider" ? "receipt.share" : "receipt.total")}
          value={amount(total)}
          isTotal
        />
        {side === "provider" && (receipt.make_good_micros ?? 0) > 0 && (
          <Pair name={t("receipt.make_good")} value={amount(receipt.make_good_micros ?? 0)} />
        )}
      </dl>
      <Gaps receipt={receipt} />
      {receipt.notes?.map((note) => (
        <Banner key={note.noted_at} tone="warn" name="receipt-note">
          {t("receipt.note", { when: when(note.noted_at), grade: note.grade, why: note.why })}
        </Banner>
      ))}
      <dl class="pairs pairs-small">
        <Pair
          name={t("receipt.when")}
          value={receipt.started_at ? when(receipt.started_at, true) : t("receipt.never_started")}
        />
        {receipt.tariff.kind === "per_message" && (
          <Pair name={t("receipt.messages")} value={String(receipt.messages ?? 0)} />
        )}
        <Pair
          name={t("receipt.grade")}
          value={tOr(`receipt.grade.${receipt.grade}`, receipt.grade)}
          grade={receipt.grade}
        />
        <Pair name={t("receipt.id")} value={receipt.receipt} isCode />
        <Pair name={t("receipt.head")} value={receipt.evidence_head.slice(0, 16)} isCode />
      </dl>
      <footer class="receipt-foot">
        {receipt.signature && <p class="note">{t("receipt.signed")}</p>}
        <div class="row">
          <Button
            size="small"
            icon="download"
            onPress={() => saveJson(`${receipt.receipt}.json`, receipt)}
            name="download-receipt"
          >
            {t("receipt.download")}
          </Button>
          {onEvidence && (
            <Button size="small" tone="quiet" icon="download" onPress={onEvidence}>
              {t("receipt.evidence")}
            </Button>
          )}
        </div>
      </footer>
    </article>
  );
}

function Count({ name, seconds, isMain }: { name: string; seconds: number; isMain?: boolean }) {
  return (
    <div class={isMain ? "count count-main" : "count"}>
      <dt>{name}</dt>
      <dd>{duration(seconds)}</dd>
    </div>
  );
}

interface PairProps {
  name: string;
  value: string;
  isTotal?: boolean;
  isCode?: boolean;
  grade?: string;
}

function Pair({ name, value, isTotal, isCode, grade }: PairProps) {
  return (
    <div class={isTotal ? "pair pair-total" : "pair"} data-grade={grade}>
      <dt>{name}</dt>
      <dd class={isCode ? "code" : undefined}>{value}</dd>
    </div>
  );
}

function Gaps({ receipt }: { receipt: Receipt }) {
  if (receipt.gaps.length === 0) return null;
  return (
    <details class="gaps">
      <summary>{t("receipt.gaps")}</summary>
      <ul>
        {receipt.gaps.map((gap) => (
          <li key={gap.from_tick}>
            {t("receipt.gap", {
              from: gap.from_tick,
              to: gap.to_tick,
              why: gapWhy(gap),
            })}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** `media_client,app_provider` → what was missing, in words; an empty why is said by the finding. */
function gapWhy(gap: Receipt["gaps"][number]): string {
  const finding = tOr(`receipt.${gap.finding}`, gap.finding);
  const parts = gap.why.split(",").filter(Boolean);
  const words = parts.map((part) => tOr(`why.${part}`, tOr(`suspended.${part}`, part)));
  return words.length > 0 ? words.join(" ") : finding;
}
