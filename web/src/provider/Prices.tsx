/** What clients pay this provider for a minute. */

import { price, t } from "../i18n";
import type { Offer } from "../sdk/wire";
import { Icon } from "../ui/Icon";

export function Prices({ offers }: { offers: Offer[] }) {
  return (
    <section>
      <h2>{t("desk.your_price")}</h2>
      <ul class="card rows">
        {offers.map((offer) => (
          <li key={offer.kind} class="entry">
            <span class="entry-icon">
              <Icon name={offer.kind === "voice" ? "phone" : "chat"} />
              {t(`kind.${offer.kind}`)}
            </span>
            <span class="amount">
              {t("people.per_minute", { price: price(offer.price_micros_per_minute, offer.currency) })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
