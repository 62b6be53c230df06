/** Reads a phone number as people type it; the gateway wants E.164. */

/** `138 0000 0000` → `+8613800000000`, `0044 20…` → `+4420…`; null where it cannot be one. */
export function e164(typed: string): string | null {
  let digits = typed.replace(/[\s\-().]/g, "");
  if (digits.startsWith("00")) digits = `+${digits.slice(2)}`;
  if (/^1\d{10}$/.test(digits)) digits = `+86${digits}`;
  return /^\+[1-9]\d{6,14}$/.test(digits) ? digits : null;
}
