/** Short messages at the edge of the page; read out politely, gone after a while. */

import { t } from "../i18n";
import { useApp } from "../shared/app";
import { Button } from "./Button";
import { Icon } from "./Icon";

export function Toasts() {
  const app = useApp();
  return (
    <div class="toasts" aria-live="polite">
      {app.toasts.value.map((toast) => (
        <div key={toast.id} class={toast.isProblem ? "toast toast-problem" : "toast"}>
          <Icon name={toast.isProblem ? "alert" : "check"} />
          <span>{toast.text}</span>
          <Button
            tone="quiet"
            size="small"
            icon="close"
            label={t("app.close")}
            onPress={() => app.unsay(toast.id)}
          />
        </div>
      ))}
    </div>
  );
}
