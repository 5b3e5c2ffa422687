/** The entry of the page. */

import { render } from "preact";
import { App } from "./app.tsx";
import { lookWho, operator } from "./session.ts";
import { askAgain, connect, isRefused } from "./stream.ts";
import { followTheme } from "./theme.ts";

// The daemon makes the first state while the page is drawn for the first time.
connect();
const place = document.getElementById("page");
if (place !== null) render(<App />, place);
followTheme();
void lookWho();
isRefused.subscribe((is) => {
  if (is) void lookWho();
});
operator.subscribe(askAgain);
