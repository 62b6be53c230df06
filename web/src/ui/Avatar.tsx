/** A person's initials on a colour that follows from the id, so it is the same on every device. */

interface Props {
  id: string;
  name: string;
  size?: "small" | "normal" | "huge";
}

export function Avatar({ id, name, size = "normal" }: Props) {
  return (
    <span class={`avatar avatar-${size} hue-${hueOf(id)}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

/** One of eight colours. */
export function hueOf(id: string): number {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return sum % 8;
}

/** `Lin Yue` → `LY`, `林月` → `月`, `陈晨 Chen` → `晨`. */
export function initialsOf(name: string): string {
  const words = name
    .trim()
    .split(/[\s·・]+/)
    .filter(Boolean);
  const first = words[0] ?? "?";
  if (/^\p{Script=Han}+$/u.test(first)) return [...first].at(-1) ?? first;
  const letters = [first, words.length > 1 ? (words.at(-1) ?? "") : ""].map((word) => [...word][0] ?? "");
  return letters.join("").toUpperCase();
}
