/** The round buttons of a live session. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon, type IconName } from "../ui/Icon";

interface Props {
  isVoice: boolean;
  /** null where there is no camera to switch. */
  isCameraOn: boolean | null;
  onCamera?: ((on: boolean) => void) | undefined;
  /** The chat is not always in view, so it has a button. */
  hasChatButton: boolean;
  isMuted: boolean;
  unread: number;
  isChatOpen: boolean;
  onMute: (muted: boolean) => void;
  onChat: () => void;
  onTopUp?: (() => void) | undefined;
  onSos: () => Promise<void>;
  onHangUp: () => Promise<void>;
}

export function Controls({ isVoice, isCameraOn, hasChatButton, isMuted, unread, isChatOpen, ...on }: Props) {
  const [isAsking, setAsking] = useState(false);
  return (
    <div class="controls">
      {isVoice && (
        <Round
          icon={isMuted ? "mic_off" : "mic"}
          name="mute"
          isPressed={isMuted}
          onPress={() => on.onMute(!isMuted)}
        >
          {t(isMuted ? "talk.unmute" : "talk.mute")}
        </Round>
      )}
      {isCameraOn !== null && (
        <Round
          icon={isCameraOn ? "camera" : "camera_off"}
          name="camera"
          isPressed={!isCameraOn}
          onPress={() => on.onCamera?.(!isCameraOn)}
        >
          {t(isCameraOn ? "talk.camera_off" : "talk.camera_on")}
        </Round>
      )}
      {hasChatButton && (
        <Round icon="chat" name="chat" isPressed={isChatOpen} onPress={on.onChat} badge={unread}>
          {t("talk.chat")}
        </Round>
      )}
      {on.onTopUp && (
        <Round icon="plus" name="top-up" onPress={on.onTopUp}>
          {t("talk.top_up")}
        </Round>
      )}
      <Round icon="help" name="sos" onPress={() => setAsking(true)}>
        {t("talk.sos")}
      </Round>
      <Round icon="hang_up" name="hang-up" tone="danger" onPress={() => void on.onHangUp()}>
        {t(isVoice ? "talk.hang_up" : "talk.end")}
      </Round>
      {isAsking && (
        <Dialog
          title={t("sos.title")}
          onClose={() => setAsking(false)}
          actions={
            <>
              <Button onPress={() => setAsking(false)}>{t("app.cancel")}</Button>
              <Button
                tone="danger"
                onPress={() => on.onSos().then(() => setAsking(false))}
                name="sos-confirm"
              >
                {t("sos.confirm")}
              </Button>
            </>
          }
        >
          <p>{t("sos.text")}</p>
        </Dialog>
      )}
    </div>
  );
}

interface RoundProps {
  icon: IconName;
  name: string;
  children: ComponentChildren;
  onPress: () => void;
  tone?: "danger";
  isPressed?: boolean;
  badge?: number;
}

function Round({ icon, name, children, onPress, tone, isPressed, badge = 0 }: RoundProps) {
  return (
    <button
      type="button"
      class={tone === "danger" ? "round round-danger" : "round"}
      aria-pressed={isPressed}
      data-name={name}
      onClick={onPress}
    >
      <span class="round-face">
        <Icon name={icon} />
        {badge > 0 && (
          <span class="badge">
            <span aria-hidden="true">{badge}</span>
            <span class="hidden">{t("chat.unread", { count: badge })}</span>
          </span>
        )}
      </span>
      <span class="round-name">{children}</span>
    </button>
  );
}
