/** The screen of a session from acceptance to the end: the call beside the chat, or over it. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { CallState } from "../sdk/call";
import type { Chat, ChatLine } from "../sdk/chat";
import type { Problem } from "../sdk/problem";
import { otherParty, type SessionView } from "../sdk/session";
import type { ConsentKind } from "../sdk/wire";
import { CallStage } from "./CallStage";
import { ChatPanel } from "./ChatPanel";
import { Controls } from "./Controls";
import { FarVoice } from "./FarVoice";
import { Notices } from "./Notices";
import { Pictures } from "./Pictures";
import { useIsWide } from "./useIsWide";

export interface TalkActions {
  onMute: (muted: boolean) => void;
  onCamera?: (on: boolean) => void;
  onSay: (text: string) => void;
  onSayAgain: (line: ChatLine) => void;
  onSeen: () => void;
  onSos: () => Promise<void>;
  onHangUp: () => Promise<void>;
  onConsent: (kind: ConsentKind) => unknown;
  onTakeOver: () => unknown;
  onTopUp?: (() => void) | undefined;
}

interface Props extends TalkActions {
  view: SessionView;
  chat: Chat;
  callState: CallState;
  problem: Problem | null;
  isSpeaking: boolean;
  voice: MediaStream | null;
  ownPicture?: MediaStream | null;
  isCameraOn?: boolean;
  /** The one-tap top-up inside a warning. */
  topUp?: ComponentChildren;
  opensChat?: boolean;
}

export function Talk({
  view,
  chat,
  callState,
  problem,
  isSpeaking,
  voice,
  ownPicture = null,
  isCameraOn = true,
  topUp,
  opensChat = false,
  ...on
}: Props) {
  const isText = view.session?.kind === "text";
  const isVideo = view.session?.kind === "video";
  const isWide = useIsWide();
  const [wantsChat, setWantsChat] = useState(opensChat);
  const [seen, setSeen] = useState(0);
  const showsChat = isText || isWide || wantsChat;
  const fromOther = chat.filter((line) => line.from !== view.side).length;
  const saw = () => {
    setSeen(fromOther);
    on.onSeen();
  };
  const person = otherParty(view);
  const isOver = showsChat && !isWide;
  return (
    <section
      class={`talk${isWide ? " talk-wide" : ""}${isText ? " talk-text" : ""}${isOver ? " talk-with-chat" : ""}`}
      data-name="talk"
      data-phase={view.phase}
    >
      <div class="talk-call">
        <Notices
          view={view}
          callState={callState}
          problem={problem}
          onTakeOver={on.onTakeOver}
          onConsent={on.onConsent}
          topUp={topUp}
        />
        {isVideo && !isOver && (
          <Pictures far={voice} own={ownPicture} isCameraOn={isCameraOn} name={person.nickname} />
        )}
        <CallStage
          view={view}
          callState={callState}
          isSpeaking={isSpeaking}
          isCompact={isOver || (isVideo && view.phase === "talking")}
        />
        <FarVoice voice={voice} name={person.nickname} />
        <Controls
          isVoice={!isText}
          isCameraOn={isVideo && ownPicture ? isCameraOn : null}
          onCamera={on.onCamera}
          hasChatButton={!isText && !isWide}
          isMuted={view.muted}
          unread={showsChat ? 0 : Math.max(0, fromOther - seen)}
          isChatOpen={showsChat}
          onMute={on.onMute}
          onChat={() => setWantsChat(!wantsChat)}
          onTopUp={on.onTopUp}
          onSos={on.onSos}
          onHangUp={on.onHangUp}
        />
      </div>
      {showsChat && (
        <ChatPanel
          chat={chat}
          side={view.side}
          otherName={person.nickname}
          onSay={on.onSay}
          onSayAgain={on.onSayAgain}
          onSeen={saw}
          onClose={isText || isWide ? undefined : () => setWantsChat(false)}
        />
      )}
    </section>
  );
}
