/**
 * A real nats-server on a free port of loopback, in a directory of its own, and an operator's hands: the
 * client without this program's store.
 */

import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connect,
  credsAuthenticator,
  headers,
  type NatsConnection,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { openStore } from "../../src/stores/list.ts";
import { encodeName } from "../../src/stores/nats/keys.ts";
import type { Store } from "../../src/stores/store.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./port.ts";

export const BUCKET = "maxwells-daemon";
export const RECORDS = `KV_${BUCKET}`;
export const EVIDENCE = `${BUCKET}-evidence`;

/** Why it cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function natsMissing(): string | undefined {
  if (pathOf() !== undefined) return undefined;
  const message = "nats-server is not installed; apt-get install nats-server";
  if (process.env["CI"]) throw new Error(message);
  console.warn(`skipped: NATS: ${message}`);
  return message;
}

/** `npm test` puts packages from PyPI here. */
const NEWER = join(import.meta.dir, "../../node_modules/.cache/pypi/bin/nats-server");

/** Why a newer version than Debian's cannot run here, or undefined if it can. */
export function newerNatsMissing(): string | undefined {
  if (existsSync(NEWER)) return undefined;
  const message = "a newer nats-server is not installed; npm test gets it";
  if (process.env["CI"]) throw new Error(message);
  return message;
}

/** Debian's package puts it into a directory that only root has on its path. */
function pathOf(): string | undefined {
  const found = Bun.which("nats-server");
  if (found !== null) return found;
  return existsSync("/usr/sbin/nats-server") ? "/usr/sbin/nats-server" : undefined;
}

/** A store, opened like a daemon opens it. */
export function openNats(
  address: string,
  warnings: string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Store> {
  return openStore(address, {
    ...{ table: "", region: "", environment },
    warn: (message) => warnings.push(message),
  });
}

export interface NatsOptions {
  /** Whether it is the version from PyPI. */
  readonly isNewer?: boolean;
  /** More lines of its configuration. */
  readonly config?: string;
  readonly hasJetStream?: boolean;
  /** The directory of another server, which is copied. */
  readonly copyOf?: NatsServer;
  /** The login of the operator. */
  readonly login?: { readonly user: string; readonly pass: string };
  readonly token?: string;
  readonly nkeySeed?: Uint8Array;
  readonly creds?: string;
  /** TLS of the operator. */
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
}

export interface NatsServer {
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  /** A request of JetStream's API. */
  api(verb: string, payload?: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** Publishes each value to its subject, as `nats kv put` does; undefined removes. */
  put(values: readonly (readonly [subject: string, value: string | undefined])[]): Promise<void>;
  /** The last value of each key of an application that is not removed. */
  keysOf(application: string): Promise<Readonly<Record<string, string>>>;
  /** Makes both streams, as `init-store` does. */
  init(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Ends it at once, and starts it again with what it had. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Publishes that wait for their answers at once. */
const AT_ONCE = 256;

export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-nats-"));
  const [data, config, log] = ["data", "nats.conf", "log"].map((name) => join(directory, name));
  if (data === undefined || config === undefined || log === undefined) throw new Error("no directory");
  const port = await freePort();
  const { copyOf, hasJetStream = true, login, token, nkeySeed, creds, tls } = options;
  if (copyOf !== undefined) {
    // Nothing is written while it is copied.
    copyOf.signal("SIGSTOP");
    cpSync(join(copyOf.directory, "data"), data, { recursive: true });
    copyOf.signal("SIGCONT");
  }
  writeFileSync(
    config,
    [
      ...[`listen: "127.0.0.1:${port}"`, `log_file: "${log}"`],
      ...(hasJetStream ? [`jetstream { store_dir: "${data}" }`] : []),
      options.config ?? "",
    ].join("\n"),
  );
  const spawn = () =>
    Bun.spawn([options.isNewer === true ? NEWER : (pathOf() ?? "nats-server"), "-c", config], {
      env: { PATH: process.env["PATH"] ?? "" },
      ...{ stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    });
  let child = spawn();
  let operator: NatsConnection | undefined;
  const end = async () => {
    await operator?.close();
    operator = undefined;
    child.kill("SIGKILL");
    await child.exited;
  };
  const stop = async () => {
    await end();
    rmSync(directory, { recursive: true, force: true });
  };
  const hand = async () => {
    if (operator === undefined || operator.isClosed()) {
      operator = await connect({
        ...{ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 5_000, ...login },
        ...(token === undefined ? {} : { token }),
        ...(nkeySeed === undefined ? {} : { authenticator: nkeyAuthenticator(nkeySeed) }),
        ...(creds === undefined ? {} : { authenticator: credsAuthenticator(Buffer.from(creds)) }),
        ...(tls === undefined ? {} : { tls }),
      });
    }
    return operator;
  };
  const api = async (verb: string, payload?: unknown, timeout = 10_000) => {
    const text = payload === undefined ? "" : JSON.stringify(payload);
    const answer = await (await hand()).request(`$JS.API.${verb}`, text, { timeout });
    return answer.json<Readonly<Record<string, unknown>>>();
  };
  const ready = () =>
    eventually(async () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${await Bun.file(log).text()}`);
      const answers = hasJetStream
        ? // Without a leader, a cluster does not answer at all.
          api("INFO", undefined, 1_000).then(({ error }) => error === undefined)
        : hand().then(Boolean);
      return answers.catch(() => false);
    }, "nats-server answers");
  try {
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }
  const put = async (values: readonly (readonly [string, string | undefined])[]) => {
    const connection = await hand();
    const waiting = values[Symbol.iterator]();
    const putOn = async () => {
      for (const [subject, value] of waiting) {
        const marks = headers();
        if (value === undefined) marks.set("KV-Operation", "DEL");
        const options = value === undefined ? { headers: marks } : {};
        const answer = await connection.request(subject, value ?? "", { timeout: 10_000, ...options });
        const { error } = answer.json<{ error?: unknown }>();
        if (error !== undefined) throw new Error(JSON.stringify(error));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, putOn));
  };
  return {
    port,
    directory,
    get pid() {
      return child.pid;
    },
    api,
    put,
    async keysOf(application) {
      const start = `$KV.${BUCKET}.${encodeName(application)}.`;
      const { state } = (await api(`STREAM.INFO.${RECORDS}`, { subjects_filter: `${start}*` })) as {
        state: { subjects?: Record<string, number> };
      };
      const keys: Record<string, string> = {};
      for (const subject of Object.keys(state.subjects ?? {})) {
        const { message } = (await api(`STREAM.MSG.GET.${RECORDS}`, { last_by_subj: subject })) as {
          message: { data?: string; hdrs?: string };
        };
        const isThere = !Buffer.from(message.hdrs ?? "", "base64").includes("KV-Operation");
        if (isThere) keys[subject] = Buffer.from(message.data ?? "", "base64").toString();
      }
      return keys;
    },
    async init() {
      const user = login === undefined ? "" : `${login.user}:${login.pass}@`;
      const scheme = tls === undefined ? "nats" : "natss";
      const query = tls === undefined ? "" : `?cacert=${tls.caFile}&cert=${tls.certFile}&key=${tls.keyFile}`;
      const store = await openNats(`${scheme}://${user}localhost:${port}/${query}`);
      await store.init?.(AbortSignal.timeout(20_000)).finally(() => store.close());
    },
    signal: (name) => child.kill(name),
    async restart() {
      await end();
      child = spawn();
      await ready();
    },
    stop,
  };
}

/** The subjects and values of an application's records. */
export function valuesOf(
  application: string,
  records: Readonly<Record<string, unknown>>,
): (readonly [string, string])[] {
  return Object.entries(records).map(([version, value]) => [
    `$KV.${BUCKET}.${encodeName(application)}.${encodeName(version)}`,
    JSON.stringify(value),
  ]);
}
