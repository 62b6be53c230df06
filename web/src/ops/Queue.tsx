/** A list of things that wait for an operator, or the sentence that nothing does. */

import type { ComponentChildren } from "preact";

interface Props {
  title: string;
  none: string;
  name: string;
  count: number;
  children: ComponentChildren;
}

export function Queue({ title, none, name, count, children }: Props) {
  return (
    <section class="card checks" data-name={name}>
      <h2>
        {title}
        {count > 0 && <span class="tag queue-count">{count}</span>}
      </h2>
      {count === 0 ? <p class="note">{none}</p> : <ul>{children}</ul>}
    </section>
  );
}
