/** The client SDK: what a page or an app of an integrator needs to hold a metered session. */

export { Api } from "./api";
export { Call, type CallState } from "./call";
export * as chat from "./chat";
export { ChatOutbox } from "./chat_outbox";
export { Http } from "./http";
export { moneyText, priceText, signedMoneyText } from "./money";
export { Problem } from "./problem";
export { adopt, noSession, otherParty, reduce, type SessionView, shownSeconds } from "./session";
export { GatewaySocket, type SocketState } from "./socket";
export { TokenVault } from "./vault";
export type * as wire from "./wire";
