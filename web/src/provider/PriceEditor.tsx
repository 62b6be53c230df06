/** Setting one's own price: a kind, its few fields, and what the gateway says about it at the field. */

import { useState } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import type { Kind, Tariff } from "../sdk/wire";
import { furtherTerms } from "../session/terms";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { Choice } from "../ui/Choice";
import { Dialog } from "../ui/Dialog";
import { PriceField } from "./PriceField";
import {
  type Draft,
  draftOf,
  type FieldName,
  fieldOfTerm,
  fieldsOf,
  keptTariff,
  kindsFor,
  type PriceKind,
  type Terms,
  termsOf,
  wrongs,
} from "./pricing";

interface Props {
  kind: Kind;
  /** The present price, where there is one. */
  tariff: Tariff | null;
  currency: string;
  onClose: () => void;
  onSave: (terms: Terms) => Promise<void>;
}

/** A refusal of the gateway, and the field it is about; null where it is about none of them. */
interface Refusal {
  field: FieldName | null;
  text: string;
}

export function PriceEditor({ kind, tariff, currency, onClose, onSave }: Props) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(tariff));
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [wasTried, setTried] = useState(false);
  const found = wrongs(draft, currency);
  const isGood = Object.keys(found).length === 0;
  const set = (change: Partial<Draft>) => {
    setRefusal(null);
    setDraft({ ...draft, ...change });
  };
  const save = async () => {
    setTried(true);
    if (!isGood) return;
    try {
      await onSave(termsOf(draft, tariff, currency));
      onClose();
    } catch (thrown) {
      setRefusal(refusalOf(Problem.from(thrown), draft));
    }
  };
  const kept = keptTerms(draft, tariff);
  return (
    <Dialog
      title={t(`price.set.${kind}`)}
      onClose={onClose}
      name="price-editor"
      actions={
        <Button
          tone="accent"
          size="large"
          isWide
          isDisabled={wasTried && !isGood}
          onPress={save}
          name="price-save"
        >
          {t("price.save")}
        </Button>
      }
    >
      {refusal && refusal.field === null && <Banner tone="bad">{refusal.text}</Banner>}
      <Choice
        label={t("price.kind")}
        name="price-kind"
        value={draft.kind}
        options={kindsFor(kind).map((each) => [each, t(`price.kind.${each}`)])}
        onChoose={(chosen) => {
          setTried(false);
          set({ kind: chosen as PriceKind });
        }}
        problem={refusal?.field === "kind" ? refusal.text : null}
      />
      {fieldsOf(draft).map((field) => (
        <PriceField
          key={field}
          field={field}
          draft={draft}
          currency={currency}
          onChange={set}
          wrong={wasTried ? (found[field] ?? null) : null}
          refusal={refusal?.field === field ? refusal.text : null}
        />
      ))}
      {kept.length > 0 && <p class="note">{t("price.kept", { terms: kept.join(" · ") })}</p>}
      <p class="note">{t("price.next")}</p>
    </Dialog>
  );
}

function refusalOf(problem: Problem, draft: Draft): Refusal {
  if (problem.code !== "tariff_invalid") return { field: null, text: problemText(problem) };
  const text = t("price.refused", { detail: problem.detail });
  return { field: fieldOfTerm(problem.field, draft), text };
}

/** What else the present price says, where the form has no field for it. */
function keptTerms(draft: Draft, tariff: Tariff | null): string[] {
  const kept = keptTariff(draft, tariff);
  return kept ? furtherTerms({ ...kept, connect_fee_micros: 0, messages_free: 0, block: null }) : [];
}
