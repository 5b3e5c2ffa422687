/** Reads one report in any of the forms of text: a line, a message of syslog, a line of Caddy. Pure. */

import { isJson, readCaddy } from "./caddy.ts";
import type { OutcomeDraft } from "./outcome.ts";
import { readOutcomeLine } from "./outcome-line.ts";
import { isSyslog, readSyslog } from "./syslog.ts";
import type { NoOutcome } from "./unreadable.ts";

/** @returns undefined if `draft` has the outcome; else why there is none */
export function readReport(text: string, draft: OutcomeDraft): NoOutcome | undefined {
  if (isJson(text)) return readCaddy(text, draft);
  return isSyslog(text) ? readSyslog(text, draft) : readOutcomeLine(text, draft);
}

/** The reports of a datagram or of a body: its lines. An empty line is none. */
export function* reportsIn(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    let last = end;
    // Some senders end a message with CR LF, or with a NUL as C has it.
    while (last > start && /[\r\0 ]/.test(text[last - 1] as string)) last--;
    if (last > start) yield text.slice(start, last);
    start = end + 1;
  }
}
