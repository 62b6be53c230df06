import { describe, expect, it } from "vitest";

const styles = import.meta.glob<string>("../src/styles/*.css", {
  query: "?raw",
  import: "default",
  eager: true,
});
const css = (name: string) => styles[`../src/styles/${name}`] ?? "";
const [light = "", dark = ""] = css("tokens.css").split("@media (prefers-color-scheme: dark)");

/** Text on ground; WCAG 2.2 AA asks for 4.5. */
const PAIRS = [
  ["ink", "paper"],
  ["ink", "surface"],
  ["ink", "sunken"],
  ["muted", "paper"],
  ["muted", "surface"],
  ["muted", "sunken"],
  ["accent", "paper"],
  ["accent", "surface"],
  ["accent", "sunken"],
  ["on-accent", "accent"],
  ["on-accent", "accent-strong"],
  ["on-accent-soft", "accent-soft"],
  ["danger", "surface"],
  ["danger", "paper"],
  ["on-danger", "danger"],
  ["on-danger-soft", "danger-soft"],
  ["on-warn-soft", "warn-soft"],
  ["on-warn-soft", "surface"],
  ["on-warn-soft", "paper"],
] as const;

describe.each([
  ["light", light],
  ["dark", dark],
])("the %s palette", (_name, block) => {
  it.each(PAIRS)("%s is legible on %s", (text, ground) => {
    expect(contrast(colour(block, text), colour(block, ground))).toBeGreaterThanOrEqual(4.5);
  });
});

describe("an avatar's initials", () => {
  const hues = [...css("people.css").matchAll(/\.hue-\d \{\s*background: (#[0-9a-f]{6})/g)].map(
    (match) => match[1] ?? "",
  );

  it("has eight colours", () => {
    expect(hues).toHaveLength(8);
  });

  it.each(hues)("are legible on %s", (hue) => {
    expect(contrast("#ffffff", hue)).toBeGreaterThanOrEqual(4.5);
  });
});

function colour(block: string, name: string): string {
  const found = new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(block)?.[1];
  if (!found) throw new Error(`no colour ${name}`);
  return found;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const share = Number.parseInt(hex.slice(place, place + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
