/** Plays the far voice; where the browser wants a touch first, asks for one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { Button } from "../ui/Button";

export function FarVoice({ voice, name }: { voice: MediaStream | null; name: string }) {
  const ref = useRef<HTMLAudioElement>(null);
  const [isBlocked, setBlocked] = useState(false);
  const play = async () => {
    try {
      await ref.current?.play();
      setBlocked(false);
    } catch (thrown) {
      setBlocked(thrown instanceof DOMException && thrown.name === "NotAllowedError");
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: another voice is played anew, nothing else.
  useEffect(() => {
    if (!ref.current) return;
    ref.current.srcObject = voice;
    if (voice) void play();
  }, [voice]);
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: a live voice has no captions to show. */}
      <audio ref={ref} autoPlay />
      {isBlocked && (
        <Button tone="accent" icon="sound" onPress={play}>
          {t("talk.play", { name })}
        </Button>
      )}
    </>
  );
}
