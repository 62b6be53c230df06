import { describe, expect, it } from "vitest";
import { fill, Problem, problemText } from "../src/i18n";
import { en, type Key } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";

const sources = import.meta.glob<string>("../src/**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const keys = Object.keys(en) as Key[];
const blanks = (sentence: string) => [...sentence.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("both languages", () => {
  it("have the same keys", () => {
    expect(Object.keys(zh).sort()).toEqual([...keys].sort());
  });

  it.each(keys)("%s has the same blanks in both", (key) => {
    expect(blanks(zh[key])).toEqual(blanks(en[key]));
    expect(zh[key].trim()).not.toBe("");
    expect(en[key].trim()).not.toBe("");
  });

  it("fill in values and leave unknown blanks visible", () => {
    expect(fill("{a} and {b}", { a: 1 })).toBe("1 and {b}");
  });
});

describe("a refusal", () => {
  it("says when to try again where the gateway does", () => {
    const full = new Problem({ code: "unavailable", retryAfterS: 10 });
    expect(problemText(full)).toBe(fill(en["problem.unavailable_for"], { seconds: 10 }));
    expect(problemText(new Problem({ code: "unavailable" }))).toBe(en["problem.unavailable"]);
    const often = new Problem({ code: "too_many_requests", retryAfterS: 3 });
    expect(problemText(often)).toBe(en["problem.too_many_requests"]);
  });
});

describe("every key", () => {
  const source = Object.entries(sources)
    .filter(([path]) => !/i18n\/(en|zh)(_wire|_money)?\.ts$/.test(path))
    .map(([, text]) => text)
    .join("\n");
  // Keys put together from a wire value are covered by their prefix.
  const built = [...source.matchAll(/`([a-z_.]+\.)\$\{/g)].map((match) => match[1] ?? "");

  it.each(keys)("%s is used", (key) => {
    const isBuilt = built.some((prefix) => key.startsWith(prefix));
    expect(isBuilt || source.includes(`"${key}"`)).toBe(true);
  });
});
