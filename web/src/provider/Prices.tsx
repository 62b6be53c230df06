/** What clients pay this provider, and the way to change it. */

import { useState } from "preact/hooks";
import { t } from "../i18n";
import type { Kind, Offer } from "../sdk/wire";
import { fullPrice, furtherTerms } from "../session/terms";
import { Button } from "../ui/Button";
import { Icon, KIND_ICONS } from "../ui/Icon";
import { PriceEditor } from "./PriceEditor";
import type { Terms } from "./pricing";

interface Props {
  offers: Offer[];
  currency: string;
  onSave: (kind: Kind, terms: Terms) => Promise<void>;
}

const KINDS: Kind[] = ["voice", "video", "text"];

export function Prices({ offers, currency, onSave }: Props) {
  const [changed, setChanged] = useState<Kind | null>(null);
  const tariffOf = (kind: Kind) => offers.find((offer) => offer.kind === kind)?.tariff ?? null;
  return (
    <section>
      <h2>{t("desk.your_price")}</h2>
      <ul class="card rows">
        {KINDS.map((kind) => {
          const tariff = tariffOf(kind);
          return (
            <li key={kind} class="entry" data-name={`price-${kind}`}>
              <span class="entry-icon">
                <Icon name={KIND_ICONS[kind]} />
                <span class="entry-words">
                  <span>{t(`kind.${kind}`)}</span>
                  <strong class="price-shown">{tariff ? fullPrice(tariff) : t("price.none")}</strong>
                  {tariff && <span class="note">{furtherTerms(tariff).join(" · ")}</span>}
                </span>
              </span>
              <Button
                size="small"
                label={t(`price.change_of.${kind}`)}
                onPress={() => setChanged(kind)}
                name={`change-${kind}`}
              >
                {t("price.change")}
              </Button>
            </li>
          );
        })}
      </ul>
      {changed && (
        <PriceEditor
          kind={changed}
          tariff={tariffOf(changed)}
          currency={currency}
          onClose={() => setChanged(null)}
          onSave={(terms) => onSave(changed, terms)}
        />
      )}
    </section>
  );
}
