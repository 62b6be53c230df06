/** Both languages by their own names; the one in use is marked. */

import { choose, type Language, language, t } from "../i18n";

const NAMES: [Language, string, string][] = [
  ["zh-CN", "中文", "zh-CN"],
  ["en", "EN", "en"],
];

export function LanguageSwitch() {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a legend that has no place here.
    <div class="languages" role="group" aria-label={t("app.language")}>
      {NAMES.map(([code, name, lang]) => (
        <button
          key={code}
          type="button"
          lang={lang}
          data-name={`language-${code}`}
          aria-pressed={language.value === code}
          onClick={() => choose(code)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
