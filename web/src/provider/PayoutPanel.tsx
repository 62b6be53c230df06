/** Asking for earnings to be paid out: an amount, once. */

import { useState } from "preact/hooks";
import { money, Problem, problemText, t } from "../i18n";
import { parseMicros, typedAmount } from "../sdk/money";
import { freshId } from "../sdk/socket";
import type { Money } from "../sdk/wire";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";

interface Props {
  available: Money;
  onRequest: (amount: Money, key: string) => Promise<void>;
}

export function PayoutPanel({ available, onRequest }: Props) {
  const { currency } = available;
  const [typed, setTyped] = useState(typedAmount(available.micros, currency));
  const [problem, setProblem] = useState<string | null>(null);
  // One key for one intention: pressing twice or a retry after a lost answer asks once.
  const [key, setKey] = useState(freshId);
  const micros = parseMicros(typed, currency);
  const isGood = micros !== null && micros > 0 && micros <= available.micros;
  const request = async () => {
    if (micros === null) return;
    setProblem(null);
    try {
      await onRequest({ micros, currency }, key);
      setKey(freshId());
    } catch (thrown) {
      setProblem(problemText(Problem.from(thrown)));
    }
  };
  return (
    <section class="card payout" aria-labelledby="payout">
      <h2 id="payout">{t("payout.title")}</h2>
      {available.micros <= 0 ? (
        <p class="note">{t("payout.none")}</p>
      ) : (
        <>
          <p class="note">{t("payout.lead", { amount: money(available) })}</p>
          <div class="payout-form">
            <Field
              label={t("payout.amount")}
              name="payout-amount"
              value={typed}
              inputMode="decimal"
              onInput={(value) => {
                setTyped(value);
                setKey(freshId());
                setProblem(null);
              }}
              problem={
                problem ?? (isGood || typed === "" ? null : t("payout.bad", { most: money(available) }))
              }
            />
            <Button tone="accent" size="large" isDisabled={!isGood} onPress={request} name="payout-request">
              {t("payout.request")}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}
