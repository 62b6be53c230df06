/** Shows sign-in, a wrong role, or the page itself. */

import type { ComponentChildren } from "preact";
import { type Key, t } from "../i18n";
import type { Role } from "../sdk/wire";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Toasts } from "../ui/Toasts";
import { useApp } from "./app";
import { SignIn } from "./SignIn";

interface Props {
  /** Who may enter; anybody where there is none. */
  needs?: Role;
  refusal?: [Key, Key];
  children: ComponentChildren;
}

export function Gate({ needs, refusal, children }: Props) {
  const app = useApp();
  const account = app.account.value;
  if (account === undefined) return <p class="loading">{t("app.loading")}</p>;
  if (account === null) {
    return (
      <>
        <SignIn />
        <Toasts />
      </>
    );
  }
  if (needs && refusal && !account.roles.includes(needs)) {
    return (
      <Empty icon="help" title={t(refusal[0])} hint={t(refusal[1])}>
        <Button onPress={() => app.signOut()}>{t("app.sign_out")}</Button>
      </Empty>
    );
  }
  return (
    <>
      {children}
      <Toasts />
    </>
  );
}
