/** One line of chat. The state is written under the last own line and under any that failed. */

import { Problem, problemText, t, tOr } from "../i18n";
import type { ChatLine } from "../sdk/chat";
import { Button } from "../ui/Button";

interface Props {
  line: ChatLine;
  isOwn: boolean;
  isLastOwn: boolean;
  otherName: string;
  onSayAgain: (line: ChatLine) => void;
}

export function ChatBubble({ line, isOwn, isLastOwn, otherName, onSayAgain }: Props) {
  const isBad = line.state === "blocked" || line.state === "failed";
  const showsState = isOwn && (isLastOwn || isBad || line.isMasked);
  return (
    <div
      class={`bubble ${isOwn ? "bubble-own" : "bubble-other"}${isBad ? " bubble-bad" : ""}`}
      data-state={line.state}
      data-from={line.from}
    >
      <span class="hidden">{isOwn ? t("chat.you") : otherName}: </span>
      <p class="bubble-text">{line.text}</p>
      {showsState && (
        <span class="bubble-state">
          <span>
            {t(`chat.state.${line.state}`)}
            {line.state === "failed" && line.reason && (
              <span data-name="chat-refused">: {problemText(new Problem({ code: line.reason }))}</span>
            )}
          </span>
          {line.isMasked && line.state !== "masked" && ` · ${t("chat.masked")}`}
          {line.state === "blocked" && line.reason && ` (${tOr(`category.${line.reason}`, line.reason)})`}
          {line.state === "failed" && (
            <Button tone="quiet" size="small" onPress={() => onSayAgain(line)}>
              {t("app.retry")}
            </Button>
          )}
        </span>
      )}
    </div>
  );
}
