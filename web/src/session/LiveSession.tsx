/** Shows the session this page holds, whatever moment it is in, over everything else. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import { useApp } from "../shared/app";
import { LineBanner } from "../shared/LineBanner";
import { Ended } from "./Ended";
import { Ringing } from "./Ringing";
import { saveJson } from "./saveJson";
import { Talk } from "./Talk";

interface Props {
  onTopUp?: () => void;
  topUp?: ComponentChildren;
}

export function LiveSession({ onTopUp, topUp }: Props) {
  const app = useApp();
  const { desk } = app;
  const view = desk.view.value;
  const secondsLeft = useSecondsUntil(view.phase === "ringing" ? view.expiresAt : null);
  const guarded = (work: () => Promise<void>) => async () => {
    try {
      await work();
    } catch (thrown) {
      app.say(problemText(Problem.from(thrown)), true);
    }
  };
  const evidence = guarded(async () => {
    const id = view.session?.id ?? "";
    saveJson(`${id}-evidence.json`, await app.api.evidence(id));
  });
  if (view.phase === "none") return null;
  return (
    <main class="live">
      <LineBanner />
      {view.phase === "ringing" && (
        <Ringing
          view={view}
          secondsLeft={secondsLeft}
          onCancel={guarded(() => desk.cancel())}
          onAccept={guarded(() => desk.accept())}
          onDecline={guarded(() => desk.decline())}
        />
      )}
      {(view.phase === "connecting" || view.phase === "talking") && (
        <Talk
          view={view}
          chat={desk.chat.value}
          callState={desk.callState.value}
          problem={desk.problem.value}
          isSpeaking={desk.isSpeaking.value}
          voice={desk.voice.value}
          ownPicture={desk.ownPicture.value}
          isCameraOn={desk.isCameraOn.value}
          onCamera={(on) => desk.setCamera(on)}
          onMute={(muted) => void guarded(() => desk.setMuted(muted))()}
          onSay={(text) => desk.say(text)}
          onSayAgain={(line) => desk.sayAgain(line)}
          onSeen={() => desk.markRead()}
          onSos={guarded(async () => {
            await desk.sos();
            app.say(t("sos.sent"));
          })}
          onHangUp={guarded(() => desk.hangUp())}
          onConsent={(kind) => guarded(() => desk.consent(kind))()}
          onTakeOver={() => desk.takeOver()}
          onTopUp={onTopUp}
          topUp={topUp}
        />
      )}
      {view.phase === "ended" && <Ended view={view} onDone={() => desk.dismiss()} onEvidence={evidence} />}
    </main>
  );
}

/** Whole seconds until an instant of the gateway's clock. */
function useSecondsUntil(instant: string | null): number {
  const { socket } = useApp();
  const read = () => (instant ? socket.clock.secondsUntil(instant, Date.now()) : 0);
  const [left, setLeft] = useState(read);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `read` is made anew each time.
  useEffect(() => {
    setLeft(read());
    const timer = setInterval(() => setLeft(read()), 250);
    return () => clearInterval(timer);
  }, [instant]);
  return left;
}
