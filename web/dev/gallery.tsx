/**
 * Every screen with made-up data, to be looked at: `gallery.html?scene=talk&lang=en`.
 *
 * Not part of what is built into the package. `npm run gallery` takes pictures of all of them.
 */

import { type ComponentChild, render } from "preact";
import "../src/styles/index.css";
import { PeopleList } from "../src/companion/People";
import { StartSheet } from "../src/companion/StartSheet";
import { TopUp } from "../src/companion/TopUp";
import { Balance, Entries } from "../src/companion/WalletPage";
import { choose, type Language, t } from "../src/i18n";
import { ActDialog } from "../src/ops/ActDialog";
import { BooksBoard } from "../src/ops/BooksPage";
import { Intervention } from "../src/ops/Intervention";
import { OpsBoard } from "../src/ops/Ops";
import { EarningsFacts } from "../src/provider/EarningsFacts";
import { EarningsList } from "../src/provider/EarningsPage";
import { PayoutList } from "../src/provider/PayoutList";
import { PayoutPanel } from "../src/provider/PayoutPanel";
import { PresencePanel } from "../src/provider/PresencePanel";
import { PriceEditor } from "../src/provider/PriceEditor";
import { Prices } from "../src/provider/Prices";
import { Problem } from "../src/sdk/problem";
import type { SessionView } from "../src/sdk/session";
import type { Receipt, SessionState, Side, Tariff } from "../src/sdk/wire";
import { CasePanel } from "../src/session/CasePanel";
import { Ended } from "../src/session/Ended";
import { HistoryList } from "../src/session/HistoryList";
import { ReceiptCard } from "../src/session/ReceiptCard";
import { Ringing } from "../src/session/Ringing";
import { Talk } from "../src/session/Talk";
import { App, AppProvider } from "../src/shared/app";
import { type Place, Shell } from "../src/shared/Shell";
import { SignIn } from "../src/shared/SignIn";
import { Button } from "../src/ui/Button";
import { Empty } from "../src/ui/Empty";
import { ReasonDialog } from "../src/ui/ReasonDialog";
import { Toasts } from "../src/ui/Toasts";
import * as samples from "./samples";
import * as money from "./samples_money";

const companion = new App("companion");
companion.account.value = samples.account;
companion.available.value = samples.wallet.available;
const nothing = async () => undefined;
const never = () => new Promise<never>(() => undefined);
companion.api.quote = async () => ({
  tariff: samples.tariff,
  tariff_hash: "b".repeat(64),
  hold: { micros: 3_000_000, currency: "CNY" },
  cost: { micros: 3_000_000, currency: "CNY" },
  affordable_s: 1728,
});
companion.api.topUp = async () => ({ id: "top_1", state: "pending", pay_url: "/sandbox/pay/pay_1" });

const [first] = samples.providers;
const [lived] = samples.live.sessions;
const [offer] = first?.offers ?? [];

const PLACES: Place[] = [
  { path: "people", icon: "people", key: "nav.people" },
  { path: "wallet", icon: "wallet", key: "nav.wallet" },
  { path: "history", icon: "history", key: "nav.history" },
];
const DESK: Place[] = [
  { path: "desk", icon: "phone", key: "nav.desk" },
  { path: "earnings", icon: "wallet", key: "nav.earnings" },
  { path: "history", icon: "history", key: "nav.history" },
];

const OPS: Place[] = [
  { path: "live", icon: "phone", key: "nav.live" },
  { path: "books", icon: "wallet", key: "nav.books" },
];

function priced(tariff: Tariff | null) {
  return (
    <Shell places={DESK}>
      <PriceEditor kind="voice" tariff={tariff} currency="CNY" onClose={nothing} onSave={never} />
    </Shell>
  );
}

function receipt(made: Receipt, side: Side, state: SessionState) {
  return shell(
    <div class="narrow">
      <ReceiptCard receipt={made} side={side} otherName="林月 Lin Yue" onEvidence={nothing} />
      <CasePanel state={state} isCharged onOpen={never} />
    </div>,
  );
}

function shell(children: ComponentChild) {
  return (
    <Shell places={PLACES} corner={<span class="corner-balance">¥86.40</span>}>
      {children}
    </Shell>
  );
}

function talk(
  view: SessionView,
  extra: { chat?: typeof samples.chat; opensChat?: boolean; problem?: Problem } = {},
) {
  return (
    <main class="live">
      <Talk
        view={view}
        chat={extra.chat ?? []}
        callState="connected"
        problem={extra.problem ?? null}
        isSpeaking
        voice={null}
        opensChat={extra.opensChat ?? false}
        onMute={nothing}
        onSay={nothing}
        onSayAgain={nothing}
        onSeen={nothing}
        onSos={nothing}
        onHangUp={nothing}
        onConsent={nothing}
        onTakeOver={nothing}
        onTopUp={view.side === "client" ? () => undefined : undefined}
        topUp={
          view.side === "client" && (
            <Button tone="accent" size="small" icon="plus">
              {t("warning.add", { amount: "¥50.00" })}
            </Button>
          )
        }
      />
    </main>
  );
}

function ringing(side: "client" | "provider") {
  return (
    <main class="live">
      <Ringing
        view={samples.view(side, { phase: "ringing" })}
        secondsLeft={19}
        onAccept={never}
        onCancel={never}
        onDecline={never}
      />
    </main>
  );
}

const warned = { warning: { secondsLeft: 30, reason: "funds" as const }, timeLeftS: 27 };
const text = { session: { ...samples.session, kind: "text" as const } };

const scenes: Record<string, () => ComponentChild> = {
  signin: () => <SignIn />,
  people: () => shell(<PeopleList providers={samples.providers} presence={{}} onStart={nothing} />),
  people_empty: () => shell(<Empty icon="people" title={t("people.empty")} hint={t("people.empty_hint")} />),
  sheet: () =>
    shell(
      <>
        <PeopleList providers={samples.providers} presence={{}} onStart={nothing} />
        {first && offer && <StartSheet provider={first} offer={offer} onClose={nothing} onTopUp={nothing} />}
      </>,
    ),
  wallet: () =>
    shell(
      <>
        <h1>{t("wallet.title")}</h1>
        <Balance wallet={samples.wallet} onTopUp={nothing} />
        <h2>{t("wallet.entries")}</h2>
        <Entries entries={samples.entries} />
      </>,
    ),
  topup: () => shell(<TopUp currency="CNY" onClose={nothing} />),
  history: () =>
    shell(
      <>
        <h1>{t("history.title")}</h1>
        <HistoryList sessions={samples.sessions} side="client" />
      </>,
    ),
  ringing: () => ringing("client"),
  incoming: () => ringing("provider"),
  connecting: () => talk(samples.view("client", { phase: "connecting" })),
  mic_denied: () =>
    talk(samples.view("client", { phase: "connecting" }), { problem: new Problem({ code: "mic_denied" }) }),
  talk: () => talk(samples.view("client")),
  talk_chat: () => talk(samples.view("client"), { chat: samples.chat, opensChat: true }),
  talk_warned: () => talk(samples.view("client", warned)),
  talk_suspended: () => talk(samples.view("client", { suspended: "media_gap", otherLost: true })),
  talk_text: () => talk(samples.view("client", text), { chat: samples.chat }),
  talk_asked: () =>
    talk(
      samples.view("client", {
        question: {
          kind: "block",
          price: { micros: 60_000_000, currency: "CNY" },
          spent: { micros: 60_000_000, currency: "CNY" },
        },
        timeLeftS: 55,
      }),
    ),
  talk_refused: () =>
    talk(samples.view("client", text), {
      chat: [
        ...samples.chat,
        {
          id: "7",
          seq: null,
          from: "client",
          text: "还有一个问题……",
          at: "",
          state: "failed",
          isMasked: false,
          reason: "not_covered",
        },
      ],
    }),
  talk_provider: () => talk(samples.view("provider", { otherMuted: true })),
  ended: () => (
    <main class="live">
      <Ended
        view={samples.view("client", {
          phase: "ended",
          endReason: "hangup_client",
          receipt: samples.receipt,
        })}
        onDone={nothing}
        onEvidence={nothing}
      />
    </main>
  ),
  ended_provider: () => (
    <main class="live">
      <Ended
        view={samples.view("provider", {
          phase: "ended",
          endReason: "funds",
          receipt: { ...samples.receipt, grade: "B" },
        })}
        onDone={nothing}
        onEvidence={nothing}
      />
    </main>
  ),
  ended_missed: () => (
    <main class="live">
      <Ended view={samples.view("client", { phase: "ended", endReason: "missed" })} onDone={nothing} />
    </main>
  ),
  desk: () => (
    <Shell places={DESK}>
      <PresencePanel state="online" isConnected onSet={nothing} />
      <EarningsFacts earnings={samples.earnings} />
      <Prices offers={money.richOffers} currency="CNY" onSave={never} />
    </Shell>
  ),
  price: () => priced(first?.offers[0]?.tariff ?? null),
  price_block: () => priced(money.richOffers[0]?.tariff ?? null),
  price_evening: () => priced(money.eveningTariff),
  earnings: () => (
    <Shell places={DESK}>
      <h1>{t("earnings.title")}</h1>
      <EarningsFacts earnings={samples.earnings} />
      <PayoutPanel available={samples.earnings.available} onRequest={never} />
      <PayoutList payouts={money.payouts} />
      <EarningsList items={samples.earnings.items} />
    </Shell>
  ),
  receipt_block: () => receipt(money.blockReceipt, "client", "settled"),
  receipt_contested: () => receipt(money.eveningReceipt, "client", "disputed"),
  receipt_provider: () => receipt(money.blockReceipt, "provider", "adjusted"),
  case_open: () =>
    shell(
      <ReasonDialog
        title={t("case.title")}
        label={t("case.reason")}
        hint={t("case.reason_hint")}
        verb={t("case.send")}
        name="case-dialog"
        onClose={nothing}
        onDo={never}
      >
        <p>{t("case.text")}</p>
      </ReasonDialog>,
    ),
  ops_books: () => (
    <Shell places={OPS} isWide>
      <BooksBoard books={money.books} checked={samples.invariants} onIntend={nothing} onCheck={nothing} />
    </Shell>
  ),
  ops_decide: () => (
    <Shell places={OPS} isWide>
      <BooksBoard books={money.books} checked={null} onIntend={nothing} onCheck={nothing} />
      <ActDialog
        intended={{ act: "to_client", subject: "cas_1", title: money.contested.reason }}
        currency="CNY"
        onClose={nothing}
        onDo={never}
      />
    </Shell>
  ),
  ops: () => (
    <Shell places={OPS} isWide>
      <OpsBoard live={samples.live} invariants={samples.invariants} onIntend={nothing} />
    </Shell>
  ),
  ops_full: () => (
    <Shell places={OPS} isWide>
      <OpsBoard live={samples.liveFull} invariants={samples.invariants} onIntend={nothing} />
    </Shell>
  ),
  ops_end: () => (
    <Shell places={OPS} isWide>
      <OpsBoard live={samples.live} invariants={samples.invariants} onIntend={nothing} />
      {lived && (
        <Intervention intended={{ session: lived, action: "end" }} onClose={nothing} onDo={nothing} />
      )}
    </Shell>
  ),
};

const query = new URLSearchParams(location.search);
choose((query.get("lang") ?? "en") as Language);
const scene = scenes[query.get("scene") ?? ""];
const place = document.getElementById("app");
if (place) {
  render(
    <AppProvider value={companion}>
      {scene ? (
        <>
          {scene()}
          <Toasts />
        </>
      ) : (
        <ul>
          {Object.keys(scenes).map((name) => (
            <li key={name}>
              <a href={`?scene=${name}`}>{name}</a>
            </li>
          ))}
        </ul>
      )}
    </AppProvider>,
    place,
  );
}
Object.assign(window, { __scenes: Object.keys(scenes) });
