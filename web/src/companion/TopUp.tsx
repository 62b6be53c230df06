/** Adding money: an amount, the test payment, the result. Never leaves the page of a live session. */

import { useState } from "preact/hooks";
import { money, Problem, problemText, t } from "../i18n";
import { freshId } from "../sdk/socket";
import type { Money, TopUp as TopUpRow } from "../sdk/wire";
import { useApp } from "../shared/app";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { AMOUNTS, parseAmount, settle } from "./payment";

interface Props {
  currency: string;
  /** Chosen already (one tap inside a warning): go straight to the payment. */
  amount?: Money | null;
  onClose: () => void;
}

type Step = { at: "amount" } | { at: "pay"; row: TopUpRow; amount: Money } | { at: "waiting" };

export function TopUp({ currency, amount: given, onClose }: Props) {
  const app = useApp();
  const [step, setStep] = useState<Step>({ at: "amount" });
  const [chosen, setChosen] = useState(String(given ? given.micros / 1e6 : AMOUNTS[0]));
  const [problem, setProblem] = useState<string | null>(null);
  // One key for one intention: pressing twice or a retry after a lost answer pays once.
  const [key, setKey] = useState(freshId);
  const amount = parseAmount(chosen, currency);
  const guarded = async (work: () => Promise<void>) => {
    setProblem(null);
    try {
      await work();
    } catch (thrown) {
      setProblem(problemText(Problem.from(thrown)));
    }
  };
  const begin = () =>
    guarded(async () => {
      if (!amount) throw new Problem({ code: "unprocessable" });
      setStep({ at: "pay", row: await app.api.topUp(amount, key), amount });
    });
  const pay = (row: TopUpRow, paid: Money, outcome: "approve" | "decline") =>
    guarded(async () => {
      setStep({ at: "waiting" });
      try {
        const state = await settle(app.api, row, outcome);
        if (state === "succeeded") app.say(t("topup.done", { amount: money(paid) }));
        else app.say(t("topup.failed"), true);
        const wallet = await app.api.wallet();
        app.available.value = wallet.available;
        onClose();
      } catch (thrown) {
        setStep({ at: "pay", row, amount: paid });
        throw thrown;
      }
    });
  const choose = (value: string) => {
    setChosen(value);
    setKey(freshId());
  };
  return (
    <Dialog
      title={t("topup.title")}
      onClose={onClose}
      name="top-up-dialog"
      actions={
        step.at === "amount" ? (
          <Button tone="accent" size="large" isWide isDisabled={!amount} onPress={begin} name="top-up-next">
            {amount ? t("topup.next", { amount: money(amount) }) : t("topup.title")}
          </Button>
        ) : step.at === "pay" ? (
          <>
            <Button size="large" onPress={() => pay(step.row, step.amount, "decline")} name="pay-decline">
              {t("topup.decline")}
            </Button>
            <Button
              tone="accent"
              size="large"
              onPress={() => pay(step.row, step.amount, "approve")}
              name="pay-approve"
            >
              {t("topup.approve", { amount: money(step.amount) })}
            </Button>
          </>
        ) : null
      }
    >
      {problem && <Banner tone="bad">{problem}</Banner>}
      {step.at === "amount" && <AmountChoice currency={currency} chosen={chosen} onChoose={choose} />}
      {step.at === "pay" && (
        <div class="pay">
          <p class="note">{t("topup.sandbox")}</p>
          <p class="pay-amount">{money(step.amount)}</p>
          <p>{t("topup.sandbox_text")}</p>
        </div>
      )}
      {step.at === "waiting" && (
        <p class="loading" role="status">
          {t("topup.waiting")}
        </p>
      )}
    </Dialog>
  );
}

interface ChoiceProps {
  currency: string;
  chosen: string;
  onChoose: (value: string) => void;
}

export function AmountChoice({ currency, chosen, onChoose }: ChoiceProps) {
  return (
    <>
      <fieldset class="chips">
        <legend class="note">{t("topup.amount")}</legend>
        {AMOUNTS.map((amount) => (
          <button
            key={amount}
            type="button"
            class="chip"
            aria-pressed={chosen === String(amount)}
            onClick={() => onChoose(String(amount))}
          >
            {money({ micros: amount * 1_000_000, currency })}
          </button>
        ))}
      </fieldset>
      <Field
        label={t("topup.other")}
        name="amount"
        value={chosen}
        onInput={onChoose}
        inputMode="decimal"
        problem={
          parseAmount(chosen, currency) || chosen === ""
            ? null
            : t("problem.bad_amount", {
                least: money({ micros: 1_000_000, currency }),
                most: money({ micros: 50_000_000_000, currency }),
              })
        }
      />
    </>
  );
}
