/** The kinds of reports that cannot be read. Each is a label of metrics, and has a remedy for the log. */

export const UNREADABLE = {
  long: "report at most 2048 bytes a line",
  short: "report APPLICATION LOCATION ASSIGNMENT STATUS SECONDS BROUGHT",
  quote: "end each value that begins with a double quote with another one",
  application: "report the name of an application as first field",
  location: "report the daemon's location as second field, or -",
  assignment: "report the visitor's assignment, a number in [0, 1), or - if there is none",
  status: "report the status of the answer, such as 200, or - if the visitor left",
  duration: "report a duration in seconds, such as 0.027, or -",
  brought: "report 1 if the visitor came with its assignment, else 0, or -",
  value: "correct the value of the name",
  syslog: "send syslog lines with the tag mwd, by RFC 3164 or RFC 5424",
  json: "send JSON as Caddy's access log has it",
  otlp: "send OTLP logs over HTTP, as protobuf",
} as const;

/**
 * A report of a request that the daemon did not decide, or to which the proxy gave an answer of its own. It
 * is sound, and has no outcome: some proxies cannot leave out such lines.
 */
export const UNDECIDED = "undecided";

/** Why a report cannot be read. */
export type Unreadable = keyof typeof UNREADABLE;

/** Why a report has no outcome. */
export type NoOutcome = Unreadable | typeof UNDECIDED;

export const UNREADABLE_KINDS = Object.keys(UNREADABLE) as readonly Unreadable[];
