/** Around a list: still loading, could not be loaded, or the list and more of it. */

import type { ComponentChildren } from "preact";
import { problemText, t } from "../i18n";
import { Banner } from "../ui/Banner";
import { Button } from "../ui/Button";
import type { Pages } from "./usePages";

interface Props<T> {
  pages: Pages<T>;
  empty: ComponentChildren;
  children: (items: T[]) => ComponentChildren;
}

export function ListFrame<T>({ pages, empty, children }: Props<T>) {
  const retry = (
    <Button size="small" onPress={pages.reload}>
      {t("app.retry")}
    </Button>
  );
  return (
    <>
      {pages.problem && (
        <Banner tone="bad" action={retry}>
          {problemText(pages.problem)}
        </Banner>
      )}
      {!pages.items && !pages.problem && <p class="loading">{t("app.loading")}</p>}
      {pages.items?.length === 0 && empty}
      {pages.items && pages.items.length > 0 && children(pages.items)}
      {pages.more && (
        <Button tone="quiet" isWide onPress={pages.more}>
          {t("app.more")}
        </Button>
      )}
    </>
  );
}
