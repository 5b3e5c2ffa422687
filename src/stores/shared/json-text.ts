/** Values of records that the engine stores as texts. */

import { RECORD_DEPTH_MAX } from "./document-parts.ts";

/** The value of a text in JSON; the text itself if it is not JSON. For commands, and for short texts. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * The same for a daemon. A text with so deep a nesting that visitors would wait stays a text, and the feed
 * reports it as malformed.
 */
export function shallowJsonOrText(text: string): unknown {
  return nestsTooDeeply(text) ? text : jsonOrText(text);
}

/**
 * Whether a text may nest deeper than records do. Brackets within strings count too, unless they are closed
 * again.
 */
export function nestsTooDeeply(text: string): boolean {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === OPEN || unit === OPEN_LIST) {
      if (++open > NESTING_MAX) return !isShallow(text);
    } else if (unit === CLOSE || unit === CLOSE_LIST) open--;
  }
  return false;
}

/**
 * Whether a text may have more values than that, and so would take long to parse. It counts commas, including
 * those within strings.
 */
export function hasMoreValues(text: string, valuesMax: number): boolean {
  let count = 1;
  for (let at = text.indexOf(","); at >= 0; at = text.indexOf(",", at + 1)) {
    if (++count > valuesMax) return true;
  }
  return false;
}

/** The same as `nestsTooDeeply`, but without the text of strings. */
function isShallow(text: string): boolean {
  let open = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) isString = !isString;
    else if (isString) at += Number(unit === BACKSLASH);
    else if (unit === OPEN || unit === OPEN_LIST) {
      if (++open > NESTING_MAX) return false;
    } else if (unit === CLOSE || unit === CLOSE_LIST) open--;
  }
  return true;
}

/** A record is an object itself. */
const NESTING_MAX = RECORD_DEPTH_MAX + 1;

const QUOTE = 0x22;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
