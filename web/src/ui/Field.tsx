/** A labelled input with a hint and, where something is wrong, a sentence that says what. */

import type { JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string;
  problem?: string | null;
  type?: string;
  inputMode?: JSX.HTMLAttributes<HTMLInputElement>["inputMode"];
  autoComplete?: string;
  maxLength?: number;
  takesFocus?: boolean;
  isCode?: boolean;
  name?: string;
}

export function Field({ label, value, onInput, hint, problem, ...props }: Props) {
  const id = useId();
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.takesFocus) ref.current?.focus();
  }, [props.takesFocus]);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        ref={ref}
        id={id}
        class={props.isCode ? "input input-code" : "input"}
        name={props.name}
        type={props.type ?? "text"}
        value={value}
        inputMode={props.inputMode}
        autoComplete={props.autoComplete ?? "off"}
        maxLength={props.maxLength}
        data-takes-focus={props.takesFocus || undefined}
        aria-invalid={problem ? true : undefined}
        aria-describedby={hint || problem ? `${id}-note` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {(hint || problem) && (
        <p
          id={`${id}-note`}
          class={problem ? "note note-problem" : "note"}
          role={problem ? "alert" : undefined}
        >
          {problem || hint}
        </p>
      )}
    </div>
  );
}
