/** One of a few, from a list: labelled, with what is wrong said below. */

import { useId } from "preact/hooks";

interface Props {
  label: string;
  name: string;
  value: string;
  options: [value: string, text: string][];
  onChoose: (value: string) => void;
  problem?: string | null;
}

export function Choice({ label, name, value, options, onChoose, problem }: Props) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input"
        name={name}
        value={value}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-note` : undefined}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      {problem && (
        <p id={`${id}-note`} class="note note-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
