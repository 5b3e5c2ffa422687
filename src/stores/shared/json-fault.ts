/**
 * The place at which a text stops being JSON. `JSON.parse` reports a fault without its place, and an operator
 * with a file of a thousand lines needs the line.
 *
 * Rejected: `jsonc-parser`, which knows the place too. Its parser is recursive, so a file of 50 000 brackets
 * ends in a RangeError. For some texts, such as `01`, it reports a later place, and its 16 codes would need
 * messages here.
 */

export interface JsonFault {
  /** In UTF-16 units. */
  readonly offset: number;
  /** The expected text at this place: `a value`, `, or }`. */
  readonly expected: string;
}

const PLAIN = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** The expected next token, in words for operators. */
type Expected =
  | "a value"
  | "a value or ]"
  | "a name in quotes"
  | "a name in quotes or }"
  | ":"
  | ", or }"
  | ", or ]";

/** The first fault of `text`, or undefined if there is none. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected | "the end" = "a value";
  let at = 0;
  for (;;) {
    while (isSpace(text.charCodeAt(at))) at++;
    if (expected === "the end" && at === text.length) return undefined;
    const length = tokenLength(text, at, expected);
    if (length === 0) return { offset: at, expected };

    const first = text[at];
    at += length;
    if (first === "{" || first === "[") {
      open.push(first);
      expected = first === "{" ? "a name in quotes or }" : "a value or ]";
      continue;
    }
    if (first === "}" || first === "]") open.pop();
    const inside = open.at(-1);
    if (first === ":") expected = "a value";
    else if (first === ",") expected = inside === "{" ? "a name in quotes" : "a value";
    else if (expected.startsWith("a name") && first === '"') expected = ":";
    else if (inside === undefined) expected = "the end";
    else expected = inside === "{" ? ", or }" : ", or ]";
  }
}

/** The length of the token at `at`; 0 if it is not an expected one. */
function tokenLength(text: string, at: number, expected: Expected | "the end"): number {
  const first = text[at] ?? "";
  if (first === "") return 0;
  if ("{[".includes(first)) return expected.startsWith("a value") ? 1 : 0;
  if ("}],:".includes(first)) {
    return expected === first || expected.endsWith(`or ${first}`) || expected.startsWith(`${first} or`)
      ? 1
      : 0;
  }
  if (first === '"') return /^a (value|name)/.test(expected) ? lengthOfString(text, at) : 0;
  return expected.startsWith("a value") ? lengthOf(PLAIN, text, at) : 0;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

/** Without a pattern, because a pattern would backtrack step by step at each string that does not end. */
function lengthOfString(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if (unit === QUOTE) return end + 1 - at;
    if (unit < SPACE) return 0;
    if (unit !== BACKSLASH) continue;
    const length = lengthOfEscape(text, end + 1);
    if (length === 0) return 0;
    end += length;
  }
  return 0;
}

/**
 * The length of an escape, behind its backslash. A pattern would take too long, because a text may have a
 * hundred thousand of them.
 */
function lengthOfEscape(text: string, at: number): number {
  const first = text[at] ?? "";
  if (first !== "u") return first !== "" && '"\\/bfnrt'.includes(first) ? 1 : 0;
  for (let digit = at + 1; digit <= at + 4; digit++) if (!isHexDigit(text.charCodeAt(digit))) return 0;
  return 5;
}

function isHexDigit(unit: number): boolean {
  const lower = unit | 0x20;
  return (unit >= 0x30 && unit <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
