/** When a page has painted its first state: the release itself, and not that it waits for the daemon. */

import type { Page } from "playwright-core";
import { eventually } from "../../support/eventually.ts";

/** The name of the mark for the time of that paint. */
export const FIRST_STATE = "first state";

/**
 * Sets the mark. It must be a script of the visit. A message that is sent in a frame comes after the paint of
 * that frame.
 */
export const TELL_FIRST_STATE = `new MutationObserver((_, self) => {
  if (document.querySelector(".headline") === null) return;
  self.disconnect();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => performance.mark("${FIRST_STATE}");
    port2.postMessage("painted");
  });
}).observe(document, { subtree: true, childList: true });`;

export function untilFirstState(page: Page): Promise<void> {
  const isPainted = `performance.getEntriesByName("${FIRST_STATE}").length > 0`;
  return eventually(() => page.evaluate<boolean>(isPainted), "the paint of the first state");
}
