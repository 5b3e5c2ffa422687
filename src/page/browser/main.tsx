/** The page itself, on a stream that is open. */

import { render } from "preact";
import { App } from "./app.tsx";
import type { NewsStream } from "./news-stream.ts";
import { lookWho, operator } from "./session.ts";
import { askAgain, follow, isRefused } from "./stream.ts";
import { followTheme } from "./theme.ts";

export function show(stream: NewsStream): void {
  follow(stream);
  const place = document.getElementById("page");
  // Preact would leave the words for a page without its code, if the first state is there already.
  place?.replaceChildren();
  if (place !== null) render(<App />, place);
  followTheme();
  void lookWho();
  isRefused.subscribe((is) => {
    if (is) void lookWho();
  });
  operator.subscribe(askAgain);
}
