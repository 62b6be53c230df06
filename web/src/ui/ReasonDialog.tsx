/** Doing something that needs a reason: a dialog that cannot be confirmed without one. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import { Banner } from "./Banner";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Field } from "./Field";

interface Props {
  title: string;
  label: string;
  hint: string;
  /** What the confirming button says. */
  verb: string;
  isDangerous?: boolean;
  name: string;
  /** Beyond the reason, something else is not right yet. */
  isBlocked?: boolean;
  children?: ComponentChildren;
  onClose: () => void;
  onDo: (reason: string) => Promise<void>;
}

const REASON_MIN = 3;
const REASON_MAX = 500;

export function ReasonDialog({ title, label, hint, verb, name, children, onClose, onDo, ...props }: Props) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const act = async () => {
    setProblem(null);
    try {
      await onDo(reason.trim());
      onClose();
    } catch (thrown) {
      setProblem(problemText(Problem.from(thrown)));
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      name={name}
      actions={
        <>
          <Button onPress={onClose}>{t("app.cancel")}</Button>
          <Button
            tone={props.isDangerous ? "danger" : "accent"}
            isDisabled={reason.trim().length < REASON_MIN || props.isBlocked === true}
            onPress={act}
            name="intervene"
          >
            {verb}
          </Button>
        </>
      }
    >
      {problem && <Banner tone="bad">{problem}</Banner>}
      {children}
      <Field
        label={label}
        name="reason"
        value={reason}
        onInput={setReason}
        hint={hint}
        maxLength={REASON_MAX}
        takesFocus
      />
    </Dialog>
  );
}
