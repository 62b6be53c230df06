/** A number with its name, large enough to be read from across a desk. */

import type { ComponentChildren } from "preact";

interface Props {
  name: string;
  children: ComponentChildren;
  note?: ComponentChildren;
  isMain?: boolean;
}

export function Fact({ name, children, note, isMain }: Props) {
  return (
    <div class={isMain ? "fact fact-main" : "fact"}>
      <dt>{name}</dt>
      <dd>
        <span class="fact-value">{children}</span>
        {note && <span class="note">{note}</span>}
      </dd>
    </div>
  );
}
