/** A strip that says what is going on; announced politely unless it is only decoration. */

import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./Icon";

interface Props {
  tone: "info" | "warn" | "bad";
  icon?: IconName;
  children: ComponentChildren;
  action?: ComponentChildren;
  name?: string;
}

export function Banner({ tone, icon = "alert", children, action, name }: Props) {
  return (
    <div class={`banner banner-${tone}`} role="status" data-name={name}>
      <Icon name={icon} />
      <span class="banner-text">{children}</span>
      {action}
    </div>
  );
}
