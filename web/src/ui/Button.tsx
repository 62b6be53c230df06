/** A button; while its work runs it is busy and cannot be pressed twice. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

interface Props {
  children?: ComponentChildren;
  /** Where it answers with a promise, the button is busy until that is done. */
  onPress?: () => unknown;
  tone?: "plain" | "accent" | "danger" | "quiet";
  size?: "small" | "normal" | "large";
  icon?: IconName;
  label?: string;
  type?: "button" | "submit";
  isDisabled?: boolean;
  isWide?: boolean;
  isPressed?: boolean;
  name?: string;
}

export function Button({ tone = "plain", size = "normal", type = "button", ...props }: Props) {
  const [isBusy, setBusy] = useState(false);
  const isHere = useRef(true);
  useEffect(
    () => () => {
      isHere.current = false;
    },
    [],
  );
  const press = async () => {
    const work = props.onPress?.();
    if (!(work instanceof Promise)) return;
    setBusy(true);
    try {
      await work;
    } finally {
      if (isHere.current) setBusy(false);
    }
  };
  return (
    <button
      type={type}
      class={`button button-${tone} button-${size}${props.isWide ? " button-wide" : ""}`}
      disabled={props.isDisabled || isBusy}
      aria-busy={isBusy}
      aria-label={props.label}
      aria-pressed={props.isPressed}
      data-name={props.name}
      onClick={type === "submit" ? undefined : () => void press()}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children && <span>{props.children}</span>}
    </button>
  );
}
