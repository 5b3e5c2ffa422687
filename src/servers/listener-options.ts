/**
 * The settings that all listeners share, and the address setting of a server that has one listener at most.
 */

import type { Address } from "../address.ts";
import { type Option, Problem, type Settings } from "../config/option.ts";
import { parseAddress, parseDuration, parseHostPort, parseMode, single } from "../config/values.ts";
import type { Server, ServerContext, ServerKind } from "./server.ts";

const IDLE_TIMEOUT_MS_MAX = 86_400_000;

export const socketMode = single(
  {
    name: "socket-mode",
    placeholder: "MODE",
    summary: "the mode of unix sockets in octal, which decides which users may connect",
    defaultText: "0666",
  },
  parseMode,
);

export const idleTimeout = single(
  {
    name: "idle-timeout",
    placeholder: "DURATION",
    summary:
      "the time after which a silent connection is closed; 0 closes it after each reply, like the daemon of 2016",
    defaultText: "60s",
  },
  (text) => {
    const timeoutMs = parseDuration(text);
    return typeof timeoutMs === "number" && timeoutMs > IDLE_TIMEOUT_MS_MAX
      ? new Problem("write a duration of at most 24h")
      : timeoutMs;
  },
);

/** The settings of one listener. */
export interface ListenerOptions {
  readonly address: Address;
  /** The mode of a unix socket's file, such as 0o666. */
  readonly socketMode: number;
  readonly idleTimeoutMs: number;
}

export function listenerOptions(settings: Settings, address: Address): ListenerOptions {
  return { address, socketMode: settings.get(socketMode), idleTimeoutMs: settings.get(idleTimeout) };
}

/** Makes the address setting of one listener: HOST:PORT, unix:PATH, or none, which is the default. */
export function listener(name: string, summary: string, example: string): Option<Address | null> {
  const defaultText = "none";
  return single<Address | null>({ name, placeholder: "ADDRESS", summary, defaultText }, (text) => {
    if (text === defaultText) return null;
    const hostPort = parseHostPort(text);
    const address: Address | Problem =
      hostPort instanceof Problem ? parseAddress(text) : { kind: "tcp", ...hostPort };
    return address instanceof Problem || address.kind === "fd"
      ? new Problem(`write HOST:PORT, unix:PATH or none, such as ${example}`)
      : address;
  });
}

/**
 * Makes a kind of server from its address setting, which `listener` made. The kind has the setting's name.
 */
export function listenerKind(
  option: Option<Address | null>,
  create: (context: ServerContext, options: ListenerOptions) => Server,
): ServerKind {
  const addresses = (settings: Pick<Settings, "get">): readonly Address[] => {
    const address = settings.get(option);
    return address === null ? [] : [address];
  };
  return {
    name: option.name,
    options: [option],
    addresses,
    create: (settings, context) =>
      addresses(settings).map((address) => create(context, listenerOptions(settings, address))),
  };
}
