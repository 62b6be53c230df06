/** The frame of a signed-in page: name, navigation, person, language, connection, content. */

import type { ComponentChildren } from "preact";
import { type Key, t } from "../i18n";
import { Avatar } from "../ui/Avatar";
import { Button } from "../ui/Button";
import { Icon, type IconName } from "../ui/Icon";
import { LanguageSwitch } from "../ui/LanguageSwitch";
import { useApp } from "./app";
import { LineBanner } from "./LineBanner";
import { route } from "./router";

export interface Place {
  path: string;
  icon: IconName;
  key: Key;
}

interface Props {
  places: Place[];
  children: ComponentChildren;
  /** Beside the person's name, for example the balance. */
  corner?: ComponentChildren;
  isWide?: boolean;
}

export function Shell({ places, children, corner, isWide }: Props) {
  const app = useApp();
  const account = app.account.value;
  const here = route.value[0] ?? places[0]?.path;
  return (
    <div class={isWide ? "shell shell-wide" : "shell"}>
      <a class="skip" href="#main">
        {t("app.skip")}
      </a>
      <header class="head">
        <span class="brand">
          <span class="brand-mark" aria-hidden="true" />
          <span class={corner ? "brand-name brand-name-yields" : "brand-name"}>{t(`app.${app.page}`)}</span>
        </span>
        {places.length > 1 && (
          <nav class="nav" aria-label={t("app.main")}>
            {places.map((place) => (
              <a
                key={place.path}
                href={`#/${place.path}`}
                aria-current={here === place.path ? "page" : undefined}
                data-name={`nav-${place.path}`}
              >
                <Icon name={place.icon} />
                <span>{t(place.key)}</span>
              </a>
            ))}
          </nav>
        )}
        <div class="corner">
          {corner}
          <LanguageSwitch />
          {account && <Avatar id={account.id} name={account.nickname} size="small" />}
          <span class="corner-name">{account?.nickname}</span>
          <Button
            tone="quiet"
            size="small"
            icon="leave"
            label={t("app.sign_out")}
            onPress={() => app.signOut()}
          />
        </div>
      </header>
      <LineBanner />
      <main id="main" class="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
