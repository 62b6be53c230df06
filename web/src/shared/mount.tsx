/** Starts a page: its app, its styles, its first component. */

import { type ComponentChild, render } from "preact";
import "../styles/index.css";
import { App, AppProvider, type PageName } from "./app";

export function mount(page: PageName, root: ComponentChild): void {
  const app = new App(page);
  const place = document.getElementById("app");
  if (!place) throw new Error("the page has no place to draw in");
  render(<AppProvider value={app}>{root}</AppProvider>, place);
  void app.start();
}
