/**
 * The addresses that get notices, and the secrets that sign them.
 *
 * An address says its form by itself, because an operator pastes what Slack shows. Only for another server
 * with Slack's form, such as Mattermost, the operator has to name the form: `slack+https://…`.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type CrossCheck, type Option, Problem, type Settings } from "../config/option.ts";
import { repeatable } from "../config/values.ts";
import { errorMessage } from "../text/error-message.ts";
import { repeated } from "../text/repeated.ts";
import type { Destination } from "./form.ts";
import { FORMS } from "./list.ts";
import { isSecret, readSecret } from "./signature.ts";

/** A daemon sends notices to at most this many addresses. */
export const DESTINATIONS_MAX = 16;

/** A file of secrets has at most this many characters. */
const FILE_CHARACTERS_MAX = 4_096;

const FILE = "file:";

const [SLACK_USAGE, WEBHOOK_USAGE] = FORMS.map(({ usage }) => usage);

export const notify = repeatable<Destination>(
  {
    name: "notify",
    placeholder: "URL",
    summary:
      "an address that gets notices of releases: an incoming webhook of Slack, or any web address; only daemons with -releases on send them",
    absent: [],
    shown: shownAddress,
  },
  readDestination,
);

export const notifySecret = repeatable<SecretSource>(
  {
    name: "notify-secret",
    placeholder: "file:PATH",
    summary:
      "the file of the secret that signs notices; the environment and the configuration file may have the secret in place of it",
    absent: [],
    shown: (text) => (text.startsWith(FILE) ? text : "***"),
  },
  readSource,
);

export const NOTICE_OPTIONS: readonly Option<unknown>[] = [notify, notifySecret];

/** The place of one secret, or the secret itself. */
export type SecretSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "key"; readonly key: Uint8Array };

export const NOTICE_CHECKS: readonly CrossCheck[] = [
  {
    options: [notify],
    check(settings) {
      const destinations = settings.get(notify);
      if (destinations.length > DESTINATIONS_MAX) {
        return `${destinations.length} addresses are named, but a daemon sends notices to at most ${DESTINATIONS_MAX}; put a relay before some of them`;
      }
      const twice = repeated(destinations.map(({ mark }) => mark));
      const named = destinations.filter(({ mark }) => twice.includes(mark)).map(({ name }) => name);
      return named.length === 0
        ? undefined
        : `${[...new Set(named)].join(", ")} is named twice; name it once`;
    },
  },
  {
    options: [notify, notifySecret],
    check(settings) {
      const signed = settings.get(notify).filter(({ form }) => form.isSigned);
      if (signed.length === 0 || settings.get(notifySecret).length > 0) return undefined;
      return (
        `${signed.map(({ name }) => name).join(", ")} needs a secret, or receivers cannot tell a notice from a forgery. ` +
        "Make one: echo whsec_$(openssl rand -base64 32) > PATH. Then give the daemon -notify-secret file:PATH"
      );
    },
  },
  {
    options: [notifySecret],
    check(settings) {
      const isVisible = settings.get(notifySecret).some(({ kind }) => kind === "key");
      return isVisible && settings.origin(notifySecret).source === "flag"
        ? "every user of this machine can read the flags of a process; write the secret to a file and name that, as in file:PATH"
        : undefined;
    },
  },
];

/** The secrets of a daemon cannot be read. The message has the path and the remedy, and no secret. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}

/** The keys of all secrets, in their order. @throws {SecretError} */
export function signingKeys(settings: Pick<Settings, "get">): readonly Uint8Array[] {
  return settings
    .get(notifySecret)
    .flatMap((source) => (source.kind === "key" ? [source.key] : keysOf(source.path)));
}

/** A file has a secret in each line. */
function keysOf(path: string): readonly Uint8Array[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new SecretError(
      `the secret of notices cannot be read: ${errorMessage(error)}; let this user read ${path}`,
    );
  }
  if (text.length > FILE_CHARACTERS_MAX) {
    throw new SecretError(`${path} is too long for the secrets of notices; write one secret in each line`);
  }
  const lines = text.split("\n").map((line) => line.trim());
  const keys: Uint8Array[] = [];
  for (const line of lines.filter((each) => each !== "")) {
    const key = readSecret(line);
    if (key instanceof Problem)
      throw new SecretError(`a line of ${path} cannot be used as a secret: ${key.message}`);
    keys.push(key);
  }
  if (keys.length === 0) throw new SecretError(`${path} is empty; write the secret of notices to it`);
  return keys;
}

function readSource(text: string): SecretSource | Problem {
  if (text.startsWith(FILE) && text.length > FILE.length)
    return { kind: "file", path: text.slice(FILE.length) };
  if (!isSecret(text))
    return new Problem("write file:PATH, or whsec_… in the environment or the configuration file");
  const key = readSecret(text);
  return key instanceof Problem ? key : { kind: "key", key };
}

function readDestination(text: string): Destination | Problem {
  for (const form of FORMS) {
    const url = form.read(text);
    if (url instanceof Problem) return url;
    if (url === undefined) continue;
    const mark = createHash("sha256").update(`${form.name} ${url.href}`).digest("hex").slice(0, 8);
    return { form, url: url.href, mark, name: `${form.name} ${url.host} ${mark}` };
  }
  return new Problem(`write ${WEBHOOK_USAGE}, ${SLACK_USAGE}, or slack+https://HOST/PATH`);
}

/** Only the host, because the path of a receiver is often its secret. */
function shownAddress(text: string): string {
  const read = readDestination(text);
  if (read instanceof Problem) return `${/^[a-z+]{1,20}:\/\//i.exec(text)?.[0] ?? ""}***`;
  const { origin } = new URL(read.url);
  return `${origin}/*** (${read.mark})`;
}
