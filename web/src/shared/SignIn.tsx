/** Sign-in by phone and one-time code. A demonstration's code is shown and can be filled in. */

import { useState } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { LanguageSwitch } from "../ui/LanguageSwitch";
import { useApp } from "./app";
import { e164 } from "./phone";
import { useCountdown } from "./useCountdown";

const RESEND_S = 30;

export function SignIn() {
  const app = useApp();
  const [phone, setPhone] = useState(new URLSearchParams(location.search).get("phone") ?? "+86 ");
  const [code, setCode] = useState("");
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [demoCode, setDemoCode] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [resendIn, restart] = useCountdown();

  const guarded = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (thrown) {
      setProblem(problemText(Problem.from(thrown)));
    } finally {
      setBusy(false);
    }
  };
  const send = () =>
    guarded(async () => {
      const number = e164(phone);
      if (!number) throw new Problem({ code: "phone_invalid" });
      const answer = await app.api.requestCode(number);
      setSentTo(number);
      setDemoCode(answer.demo_code ?? null);
      setCode("");
      restart(RESEND_S);
    });
  const enter = () =>
    guarded(async () => {
      const answer = await app.api.verifyCode(sentTo ?? "", code.trim());
      app.enter(answer.account);
    });
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isBusy) void (sentTo ? enter() : send());
  };

  return (
    <div class="signin">
      <header class="signin-top">
        <span class="brand">
          <span class="brand-mark" aria-hidden="true" />
          {t(`app.${app.page}`)}
        </span>
        <LanguageSwitch />
      </header>
      <main class="signin-main">
        <section class="signin-words">
          <h1>{t(`signin.title.${app.page}`)}</h1>
          <p class="lead">{t(`signin.lead.${app.page}`)}</p>
        </section>
        <form class="card signin-form" onSubmit={submit} noValidate>
          {sentTo === null ? (
            <>
              <Field
                key="phone"
                name="phone"
                label={t("signin.phone")}
                value={phone}
                onInput={setPhone}
                type="tel"
                inputMode="tel"
                autoComplete="tel"
                hint={t("signin.phone_hint")}
                problem={problem}
              />
              <Button type="submit" tone="accent" size="large" isWide isDisabled={isBusy} name="send-code">
                {t("signin.send")}
              </Button>
            </>
          ) : (
            <>
              {demoCode && (
                <Banner
                  tone="info"
                  icon="check"
                  action={
                    <Button size="small" onPress={() => setCode(demoCode)} name="fill-code">
                      {t("signin.demo_fill")}
                    </Button>
                  }
                >
                  {t("signin.demo", { code: demoCode })}
                </Banner>
              )}
              <Field
                key="code"
                name="code"
                label={t("signin.code")}
                value={code}
                onInput={(value) => setCode(value.replace(/\D/g, ""))}
                inputMode="numeric"
                autoComplete="one-time-code"
                maxLength={6}
                hint={t("signin.code_sent", { phone: sentTo })}
                problem={problem}
                takesFocus
                isCode
              />
              <Button
                type="submit"
                tone="accent"
                size="large"
                isWide
                isDisabled={isBusy || code.length !== 6}
                name="sign-in"
              >
                {t("signin.enter")}
              </Button>
              <div class="row row-apart">
                <Button tone="quiet" size="small" onPress={() => setSentTo(null)}>
                  {t("signin.other_phone")}
                </Button>
                <Button tone="quiet" size="small" isDisabled={resendIn > 0} onPress={send}>
                  {resendIn > 0 ? t("signin.resend_in", { seconds: resendIn }) : t("signin.resend")}
                </Button>
              </div>
            </>
          )}
        </form>
      </main>
    </div>
  );
}
