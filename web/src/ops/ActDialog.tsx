/** Doing something with money: what it does, the reason, and for a refund how much. */

import { useState } from "preact/hooks";
import { t } from "../i18n";
import { parseMicros } from "../sdk/money";
import type { Money } from "../sdk/wire";
import { Field } from "../ui/Field";
import { ReasonDialog } from "../ui/ReasonDialog";
import type { IntendedAct } from "./counter";

interface Props {
  intended: IntendedAct;
  currency: string;
  onClose: () => void;
  onDo: (reason: string, amount: Money | null) => Promise<void>;
}

export function ActDialog({ intended, currency, onClose, onDo }: Props) {
  const { act, title } = intended;
  const [typed, setTyped] = useState("");
  const micros = parseMicros(typed, currency);
  const isAmountGood = typed.trim() === "" || (micros !== null && micros > 0);
  return (
    <ReasonDialog
      title={t(`act.${act}`)}
      label={t("ops.reason")}
      hint={t("ops.reason_hint")}
      verb={t(`act.${act}`)}
      isDangerous={act === "failed"}
      isBlocked={!isAmountGood}
      name="act-dialog"
      onClose={onClose}
      onDo={(reason) => onDo(reason, micros === null ? null : { micros, currency })}
    >
      <p>
        <strong>{title}</strong>
        <br />
        {t(`act.${act}.text`)}
      </p>
      {act === "to_client" && (
        <Field
          label={t("act.amount")}
          name="act-amount"
          value={typed}
          onInput={setTyped}
          inputMode="decimal"
          problem={isAmountGood ? null : t("price.bad_amount")}
        />
      )}
    </ReasonDialog>
  );
}
