/** Line icons, drawn here so that nothing is loaded; always beside or inside a labelled control. */

import type { Kind } from "../sdk/wire";

const PATHS = {
  mic: "M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3Zm6-3a6 6 0 0 1-12 0m6 6v3",
  mic_off:
    "M4 4l16 16M9 9v3a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.8-1M6 12a6 6 0 0 0 9 5.2M18 12a6 6 0 0 1-.4 2.2M12 18v3",
  chat: "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-6l-5 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z",
  camera: "M4 7h10a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1Zm11 3.500l6-3v9l-6-3",
  camera_off:
    "M4 4l16 16M9 7h5a1 1 0 0 1 1 1v5M15 17H4a1 1 0 0 1-1-1V8a1 1 0 0 1 .5-.900M15 10.500l6-3v9l-3-1.500",
  phone: "M6 4h3l1.5 4-2 1.5a11 11 0 0 0 6 6l1.5-2 4 1.5v3a2 2 0 0 1-2 2A16 16 0 0 1 4 6a2 2 0 0 1 2-2Z",
  hang_up: "M3 14.5v-2C5.5 10 8.5 9 12 9s6.5 1 9 3.500v2l-1 1.5-4-1.500v-2.600a12 12 0 0 0-8 0v2.600L4 16Z",
  plus: "M12 5v14M5 12h14",
  wallet: "M4 7h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V7Zm0 0 1-2a2 2 0 0 1 1.8-1H16v3m0 6.500h.01",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9a6 6 0 0 1 12 0m0-15.600a3.5 3.5 0 0 1 0 6.200M17 14.300A6 6 0 0 1 21 20",
  history: "M4 12a8 8 0 1 0 2.5-5.800L4 8.500M4 4v4.500h4.500M12 8v4.500l3 1.5",
  power: "M12 4v8M7 6.800a7 7 0 1 0 10 0",
  pause: "M9 5v14M15 5v14",
  play: "M7 5l12 7-12 7V5Z",
  send: "M4 12l16-8-5 16-3.5-6.500L4 12Z",
  help: "M12 3l8 3.500v5c0 5-3.5 8-8 9.5-4.5-1.5-8-4.5-8-9.500v-5L12 3Zm0 5v5m0 3h.01",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.500l4.5 4.500L19 7.5",
  alert: "M12 4l9 16H3l9-16Zm0 6v4m0 3h.01",
  download: "M12 4v11m0 0l-4.5-4.500M12 15l4.5-4.500M5 20h14",
  globe:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm-9-9h18M12 3c2.5 2.5 3.7 5.5 3.7 9s-1.2 6.5-3.7 9c-2.5-2.5-3.7-5.5-3.7-9S9.5 5.5 12 3Z",
  leave: "M14 5V4H5v16h9v-1M10 12h10m0 0l-3.5-3.500M20 12l-3.5 3.5",
  sound: "M4 10v4h3.500L12 18V6L7.5 10H4Zm11.5-1.500a5 5 0 0 1 0 7M18 6a8.5 8.5 0 0 1 0 12",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
} as const;

export type IconName = keyof typeof PATHS;

/** The icon of a kind of session. */
export const KIND_ICONS = { voice: "phone", text: "chat", video: "camera" } as const satisfies Record<
  Kind,
  IconName
>;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
