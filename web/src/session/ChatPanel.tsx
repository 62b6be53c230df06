/** The chat of a session: lines, their state, and where to write. */

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import type { Chat, ChatLine } from "../sdk/chat";
import type { Side } from "../sdk/wire";
import { Button } from "../ui/Button";
import { ChatBubble } from "./ChatBubble";

interface Props {
  chat: Chat;
  side: Side;
  otherName: string;
  onSay: (text: string) => void;
  onSayAgain: (line: ChatLine) => void;
  onSeen: () => void;
  onClose?: (() => void) | undefined;
}

const CHARACTERS_MAX = 2_000;

export function ChatPanel({ chat, side, otherName, onSay, onSayAgain, onSeen, onClose }: Props) {
  const [text, setText] = useState("");
  const log = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of the chat scrolls and is seen.
  useEffect(() => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
    onSeen();
  }, [chat]);
  const submit = (event: Event) => {
    event.preventDefault();
    const line = text.trim();
    if (!line) return;
    onSay(line);
    setText("");
  };
  const ownLast = chat.findLast((line) => line.from === side)?.id;
  return (
    <section class="chat" aria-label={t("chat.title")}>
      {onClose && (
        <header class="chat-head">
          <h2>{t("chat.title")}</h2>
          <Button tone="quiet" size="small" icon="close" label={t("chat.close")} onPress={onClose} />
        </header>
      )}
      <div class="chat-log" ref={log} role="log" aria-label={t("chat.log")}>
        {chat.length === 0 && <p class="note chat-empty">{t("chat.empty")}</p>}
        {chat.map((line) => (
          <ChatBubble
            key={`${line.from}:${line.id}`}
            line={line}
            isOwn={line.from === side}
            isLastOwn={line.id === ownLast}
            otherName={otherName}
            onSayAgain={onSayAgain}
          />
        ))}
      </div>
      <form class="chat-form" onSubmit={submit}>
        <input
          class="input"
          name="chat"
          value={text}
          maxLength={CHARACTERS_MAX}
          autoComplete="off"
          aria-label={t("chat.write")}
          placeholder={t("chat.write")}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" tone="accent" icon="send" label={t("chat.send")} name="chat-send" />
      </form>
    </section>
  );
}
