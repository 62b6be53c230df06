/** One thing that waits: what it is, and what can be done with it. */

import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import type { Act, IntendedAct } from "./counter";

interface Props {
  /** The id that acts are done to. */
  subject: string;
  title: string;
  /** The likely one first. */
  acts: readonly Act[];
  /** Whether the acts are equals: none of them stands out. */
  isEven?: boolean;
  onIntend: (intended: IntendedAct) => void;
  children: ComponentChildren;
}

export function QueueItem({ subject, title, acts, isEven = false, onIntend, children }: Props) {
  return (
    <li class="queue-item" data-subject={subject}>
      <span class="entry-words">{children}</span>
      <span class="row queue-acts">
        {acts.map((act, place) => (
          <Button
            key={act}
            size="small"
            tone={place === 0 && !isEven ? "accent" : "plain"}
            label={`${t(`act.${act}`)}: ${title}`}
            onPress={() => onIntend({ act, subject, title })}
            name={`act-${act}`}
          >
            {t(`act.${act}`)}
          </Button>
        ))}
      </span>
    </li>
  );
}
