/**
 * The sound of a call, made by oscillators: no file, nothing to load.
 *
 * Browsers let a page sound only after the person has touched it; `isReady` says whether it may.
 */

import { signal } from "@preact/signals";

export const isReady = signal(false);

type Pattern = "incoming" | "outgoing";

const TONES: Record<Pattern, { frequencies: number[]; onS: number; everyS: number; volume: number }> = {
  incoming: { frequencies: [660, 880], onS: 0.9, everyS: 2.2, volume: 0.16 },
  outgoing: { frequencies: [425], onS: 1, everyS: 4, volume: 0.05 },
};

let context: AudioContext | null = null;
let timer = 0;

function wake(): void {
  context ??= new AudioContext();
  void context.resume().then(() => {
    isReady.value = context?.state === "running";
  });
}

for (const event of ["pointerdown", "keydown"] as const) addEventListener(event, wake, { capture: true });

/** Ring until `stop`. */
export function ring(pattern: Pattern): void {
  stop();
  const { everyS, onS } = TONES[pattern];
  const once = () => {
    sound(pattern);
    if (pattern === "incoming" && "vibrate" in navigator) navigator.vibrate([onS * 1000]);
  };
  once();
  timer = setInterval(once, everyS * 1000);
}

export function stop(): void {
  clearInterval(timer);
  timer = 0;
}

function sound(pattern: Pattern): void {
  if (context?.state !== "running") return;
  const { frequencies, onS, volume } = TONES[pattern];
  const begin = context.currentTime;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, begin);
  gain.gain.linearRampToValueAtTime(volume, begin + 0.04);
  gain.gain.setValueAtTime(volume, begin + onS - 0.15);
  gain.gain.linearRampToValueAtTime(0, begin + onS);
  gain.connect(context.destination);
  frequencies.forEach((frequency, place) => {
    const tone = context?.createOscillator();
    if (!tone) return;
    tone.frequency.value = frequency;
    tone.connect(gain);
    tone.start(begin + (place * onS) / (frequencies.length * 2));
    tone.stop(begin + onS);
  });
}
