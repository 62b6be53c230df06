/** Ending, pausing or resuming somebody's session: always with a reason, always audited. */

import { useState } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
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

const REASON_MIN = 3;
const REASON_MAX = 500;

export function Intervention({ intended, onClose, onDo }: Props) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const { action, session } = intended;
  const act = async () => {
    try {
      await onDo(reason.trim());
      onClose();
    } catch (thrown) {
      setProblem(problemText(Problem.from(thrown)));
    }
  };
  return (
    <Dialog
      title={t(`ops.${action}_title`)}
      onClose={onClose}
      name="intervention"
      actions={
        <>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button
            tone={action === "end" ? "danger" : "accent"}
            isDisabled={reason.trim().length < REASON_MIN}
            onPress={act}
            name="intervene"
          >
            {t(`ops.${action}`)}
          </Button>
        </>
      }
    >
      {problem && <Banner tone="bad">{problem}</Banner>}
      <p>
        <strong>
          {session.client} → {session.provider}
        </strong>
        <br />
        {t(`ops.${action}_text`)}
      </p>
      <Field
        label={t("ops.reason")}
        name="reason"
        value={reason}
        onInput={setReason}
        hint={t("ops.reason_hint")}
        maxLength={REASON_MAX}
        takesFocus
      />
    </Dialog>
  );
}
