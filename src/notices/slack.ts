/**
 * The form of Slack's incoming webhooks: `text` for the line of a notification, and `blocks` for the channel
 * (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). Servers that take the same form, such
 * as Mattermost, show `text` alone, so it has the whole sentence.
 */

import { Problem } from "../config/option.ts";
import { oneLine } from "../text/one-line.ts";
import type { NoticeForm } from "./form.ts";
import type { NoticeMessage, Severity } from "./notice.ts";
import { webhook } from "./webhook.ts";

/** Slack's own hosts, and that of its cloud for the US government. */
const SLACK_HOSTS: ReadonlySet<string> = new Set(["hooks.slack.com", "hooks.slack-gov.com"]);

/** `slack+https://…` is this form at any other host. */
const PREFIX = "slack+";

/** Slack takes at most 3000 characters in a text. An escaped one has up to 5, so this many always fit. */
const TEXT_LENGTH_MAX = 590;

const MARKS: Readonly<Record<Severity, string>> = { info: "🔵", warning: "🟡", critical: "🔴" };

export const slack: NoticeForm = {
  name: "slack",
  usage: "https://hooks.slack.com/services/…",
  isSigned: false,

  read(text) {
    const isPrefixed = text.startsWith(PREFIX);
    const url = webhook.read(isPrefixed ? text.slice(PREFIX.length) : text);
    if (url === undefined && isPrefixed) return new Problem("write slack+https://HOST/PATH");
    if (!(url instanceof URL)) return isPrefixed ? url : undefined;
    if (!SLACK_HOSTS.has(url.hostname)) return isPrefixed ? url : undefined;
    if (url.protocol !== "https:") return new Problem("write https, because this address is a secret");
    return url.pathname.startsWith("/services/")
      ? url
      : new Problem(
          "this is not the address of an incoming webhook, which begins with https://hooks.slack.com/services/; make one in Slack",
        );
  },

  request(message) {
    return { headers: { "content-type": "application/json" }, body: JSON.stringify(slackMessage(message)) };
  },

  remedyOf(status) {
    return status === 400 || status === 413
      ? "name the address of an incoming webhook in -notify; if it is one, report this to the makers of maxwells-daemon"
      : "make a new incoming webhook for the channel, and name its address in -notify";
  },
};

/** The sentence in a section, and below it in small letters the software and the time. */
export function slackMessage({ severity, sentence, version, of, by, why, atMs }: NoticeMessage) {
  const details = [...(by === null ? [] : [`by ${by}`]), ...(why === null ? [] : [why])].join(": ");
  const text = `${MARKS[severity]} ${safe(details === "" ? sentence : `${sentence} (${details})`)}`;
  return {
    text,
    blocks: [
      { type: "section", text: markup(text) },
      { type: "context", elements: [markup(safe(`${of} as ${version}`)), markup(dateText(atMs))] },
    ],
  } as const;
}

/** Slack makes no links and no calls out of `verbatim` text. */
function markup(text: string) {
  return { type: "mrkdwn", text, verbatim: true } as const;
}

/** A moment that Slack shows in the zone of each reader. */
function dateText(atMs: number): string {
  const fallback = new Date(atMs).toISOString();
  return `<!date^${Math.floor(atMs / 1_000)}^{date_short_pretty}, {time_secs}|${fallback}>`;
}

/**
 * A text from outside as one line of Slack's markup. Slack reads `<!channel>` as a call to all people of the
 * channel, unless it is escaped.
 */
function safe(text: string): string {
  const line = oneLine(text);
  const cut = line.length > TEXT_LENGTH_MAX ? `${line.slice(0, TEXT_LENGTH_MAX - 1)}…` : line;
  return cut.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
