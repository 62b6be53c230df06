/** The operator's page of money: what waits for a decision, and whether the books agree. */

import { useMemo, useState } from "preact/hooks";
import { Problem, problemText, t } from "../i18n";
import { useApp } from "../shared/app";
import { useLoaded } from "../shared/useLoaded";
import { Banner } from "../ui/Banner";
import { ActDialog } from "./ActDialog";
import { BarList } from "./BarList";
import { CaseList } from "./CaseList";
import { type Books, Counter, type IntendedAct } from "./counter";
import { InvariantList } from "./InvariantList";
import { PayoutQueue } from "./PayoutQueue";
import type { Invariants } from "./snapshot";
import { TrialBalanceTable } from "./TrialBalanceTable";

export function BooksPage() {
  const app = useApp();
  const counter = useMemo(() => new Counter(app.api.http), [app]);
  const books = useLoaded("books", () => counter.read());
  const [intended, setIntended] = useState<IntendedAct | null>(null);
  const [checked, setChecked] = useState<Invariants | null>(null);
  const check = async () => {
    try {
      setChecked(await counter.check());
    } catch (thrown) {
      app.say(problemText(Problem.from(thrown)), true);
    }
  };
  return (
    <>
      {books.problem && <Banner tone="bad">{problemText(books.problem)}</Banner>}
      {!books.value && !books.problem && <p class="loading">{t("app.loading")}</p>}
      {books.value && (
        <BooksBoard books={books.value} checked={checked} onIntend={setIntended} onCheck={check} />
      )}
      {intended && books.value && (
        <ActDialog
          intended={intended}
          currency={books.value.currency}
          onClose={() => setIntended(null)}
          onDo={async (reason, amount) => {
            await counter.carryOut(intended, reason, amount);
            app.say(t("books.done"));
            await books.reload();
          }}
        />
      )}
    </>
  );
}

interface BoardProps {
  books: Books;
  checked: Invariants | null;
  onIntend: (intended: IntendedAct) => void;
  onCheck: () => Promise<void>;
}

export function BooksBoard({ books, checked, onIntend, onCheck }: BoardProps) {
  return (
    <div class="ops" data-name="books">
      <section class="ops-live">
        <h1>{t("books.title")}</h1>
        <CaseList cases={books.cases} onIntend={onIntend} />
        <PayoutQueue payouts={books.payouts} onIntend={onIntend} />
        <BarList bars={books.bars} onIntend={onIntend} />
      </section>
      <aside class="ops-side">
        <TrialBalanceTable balance={books.balance} currency={books.currency} onCheck={onCheck} />
        {checked && <InvariantList invariants={checked} at={null} title={t("books.all")} />}
      </aside>
    </div>
  );
}
