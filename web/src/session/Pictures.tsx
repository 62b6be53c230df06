/** The two pictures of a video session: the other person large, this one small in a corner. */

import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";

interface Props {
  far: MediaStream | null;
  own: MediaStream | null;
  isCameraOn: boolean;
  name: string;
}

export function Pictures({ far, own, isCameraOn, name }: Props) {
  return (
    <div class="pictures" data-name="pictures">
      <Picture stream={far} label={t("talk.picture_of", { name })} name="far-picture" />
      {own && isCameraOn && (
        <Picture stream={own} label={t("talk.own_picture")} name="own-picture" isMirrored />
      )}
      {!own && <p class="note pictures-note">{t("talk.no_camera")}</p>}
    </div>
  );
}

interface PictureProps {
  stream: MediaStream | null;
  label: string;
  name: string;
  isMirrored?: boolean;
}

/** Always silent: the voice is played by `FarVoice`. */
function Picture({ stream, label, name, isMirrored = false }: PictureProps) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (!ref.current) return;
    ref.current.srcObject = stream;
    if (stream) void ref.current.play().catch(() => undefined);
  }, [stream]);
  return (
    <video
      ref={ref}
      class={isMirrored ? "picture picture-own" : "picture"}
      aria-label={label}
      data-name={name}
      muted
      autoPlay
      playsInline
    />
  );
}
