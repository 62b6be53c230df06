/** One provider: who, whether there, what a minute costs, and how to start. */

import { t } from "../i18n";
import type { Offer, PresenceState, Provider } from "../sdk/wire";
import { shortPrice } from "../session/terms";
import { Avatar } from "../ui/Avatar";
import { Icon, KIND_ICONS } from "../ui/Icon";

const WORDS = { voice: "people.call", text: "people.text", video: "people.video" } as const;
const LABELS = {
  voice: "people.call_label",
  text: "people.text_label",
  video: "people.video_label",
} as const;

interface Props {
  provider: Provider;
  presence: PresenceState;
  onStart: (offer: Offer) => void;
}

export function PersonCard({ provider, presence, onStart }: Props) {
  return (
    <li class={presence === "online" ? "card person" : "card person person-away"} data-provider={provider.id}>
      <Avatar id={provider.id} name={provider.nickname} size="normal" />
      <div class="person-words">
        <h2>{provider.nickname}</h2>
        <p class={`presence presence-${presence}`} data-name="presence" data-presence={presence}>
          {t(`presence.${presence}`)}
        </p>
        <p class="person-brief">{provider.brief}</p>
      </div>
      <div class="person-offers">
        {provider.offers.map((offer) => {
          const amount = shortPrice(offer.tariff);
          const values = { name: provider.nickname, price: amount };
          return (
            <button
              key={offer.kind}
              type="button"
              class="offer"
              disabled={presence !== "online"}
              aria-label={t(LABELS[offer.kind], values)}
              data-name={`start-${offer.kind}`}
              onClick={() => onStart(offer)}
            >
              <Icon name={KIND_ICONS[offer.kind]} />
              <span class="offer-kind">{t(WORDS[offer.kind])}</span>
              <span class="offer-price">{amount}</span>
            </button>
          );
        })}
      </div>
    </li>
  );
}
