/** One field of a price: its name by kind of price, and what is wrong with it. */

import { t } from "../i18n";
import { Choice } from "../ui/Choice";
import { Field } from "../ui/Field";
import {
  BLOCK_MINUTES_MAX,
  type Draft,
  type FieldName,
  MESSAGES_FREE_MAX,
  OVERRUNS,
  type Overrun,
  type PriceKind,
  type Wrong,
} from "./pricing";

interface Props {
  field: FieldName;
  draft: Draft;
  currency: string;
  onChange: (change: Partial<Draft>) => void;
  wrong: Wrong | null;
  /** What the gateway said about it. */
  refusal: string | null;
}

const PRICE_NAMES = {
  per_second: "price.field.minute",
  per_minute: "price.field.minute",
  block: "price.field.block",
  per_session: "price.field.session",
  per_message: "price.field.message",
} as const satisfies Record<PriceKind, string>;

export function PriceField({ field, draft, currency, onChange, wrong, refusal }: Props) {
  if (field === "overrun" || field === "kind") {
    return (
      <Choice
        label={t("price.overrun")}
        name="price-overrun"
        value={draft.overrun}
        options={OVERRUNS.map((each) => [each, t(`price.overrun.${each}`)])}
        onChoose={(chosen) => onChange({ overrun: chosen as Overrun })}
        problem={refusal}
      />
    );
  }
  const isAmount = field === "price" || field === "fee" || field === "after";
  return (
    <Field
      label={isAmount ? `${labelOf(field, draft)} (${currency})` : labelOf(field, draft)}
      name={`price-${field}`}
      value={draft[field]}
      onInput={(typed) => onChange({ [field]: typed })}
      inputMode={isAmount ? "decimal" : "numeric"}
      problem={wrong ? wrongText(wrong) : refusal}
      {...(field === "fee" ? { hint: t("price.field.fee_hint") } : {})}
    />
  );
}

function labelOf(field: Exclude<FieldName, "kind" | "overrun">, draft: Draft): string {
  switch (field) {
    case "price":
      return t(PRICE_NAMES[draft.kind]);
    case "minutes":
      return t("price.field.length");
    default:
      return t(`price.field.${field}`);
  }
}

function wrongText(wrong: Wrong): string {
  switch (wrong) {
    case "amount":
      return t("price.bad_amount");
    case "zero":
      return t("price.bad_zero");
    case "minutes":
      return t("price.bad_number", { least: 1, most: BLOCK_MINUTES_MAX });
    case "free":
      return t("price.bad_number", { least: 0, most: MESSAGES_FREE_MAX });
  }
}
