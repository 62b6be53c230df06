/** Ending, pausing or resuming somebody's session: always with a reason, always audited. */

import { t } from "../i18n";
import { ReasonDialog } from "../ui/ReasonDialog";
import type { LiveReading } from "./snapshot";

export type Action = "end" | "pause" | "resume";

export interface Intended {
  session: LiveReading;
  action: Action;
}

interface Props {
  intended: Intended;
  onClose: () => void;
  onDo: (reason: string) => Promise<void>;
}

export function Intervention({ intended, onClose, onDo }: Props) {
  const { action, session } = intended;
  return (
    <ReasonDialog
      title={t(`ops.${action}_title`)}
      label={t("ops.reason")}
      hint={t("ops.reason_hint")}
      verb={t(`ops.${action}`)}
      isDangerous={action === "end"}
      name="intervention"
      onClose={onClose}
      onDo={onDo}
    >
      <p>
        <strong>
          {session.client} → {session.provider}
        </strong>
        <br />
        {t(`ops.${action}_text`)}
      </p>
    </ReasonDialog>
  );
}
