/**
 * A real etcd of Debian on free ports of loopback, in a directory of its own, and etcdctl, as an operator
 * uses it.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/stores/list.ts";
import type { Store } from "../../src/stores/store.ts";
import { freePort } from "./port.ts";

const START_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** Why it cannot run here, or undefined if it can. In CI it has to run, so it fails there. */
export function etcdMissing(): string | undefined {
  if (Bun.which("etcd") !== null && Bun.which("etcdctl") !== null) return undefined;
  const message = "etcd is not installed; apt-get install etcd-server etcd-client";
  if (process.env["CI"]) throw new Error(message);
  console.warn(`skipped: etcd: ${message}`);
  return message;
}

/** A store, opened like a daemon opens it. */
export function openEtcd(address: string, warnings: string[] = []): Promise<Store> {
  return openStore(address, {
    table: "",
    region: "",
    environment: {},
    warn: (message) => warnings.push(message),
  });
}

export interface EtcdOptions {
  /** More of its flags. */
  readonly flags?: readonly string[];
  /** The protocol for clients. The certificate's flags come with `flags`. */
  readonly scheme?: "http" | "https";
  /** A file of `etcdctl snapshot save`, which a single member starts from. */
  readonly snapshot?: string;
  /** The flags with which etcdctl logs in. */
  readonly login?: readonly string[];
}

export interface Etcd {
  readonly port: number;
  /** Runs etcdctl with an operator's words. Returns its output. */
  ctl(...args: readonly string[]): Promise<string>;
  /** The same as another user, or with other flags. */
  ctlAs(login: readonly string[], ...args: readonly string[]): Promise<string>;
  /** Keys to put, or to delete if the value is absent. A batch of them is one transaction. */
  put(keys: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Keys and values below a prefix. */
  get(prefix: string): Promise<Readonly<Record<string, string>>>;
  /** Ends it at once, and starts it again with what it had. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Operations in one transaction, at most. */
const BATCH = 128;

export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const [member] = await startCluster(1, options);
  if (member === undefined) throw new Error("no member");
  return member;
}

/** Starts this many members of one cluster. Resolves when all of them answer. */
export async function startCluster(size: number, options: EtcdOptions = {}): Promise<Etcd[]> {
  const ports = await Promise.all(
    Array.from({ length: size }, async (_, index) => ({
      name: `m${index}`,
      client: await freePort(),
      peer: await freePort(),
    })),
  );
  const cluster = ports.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join(",");
  const members = ports.map((port) => startMember(port, cluster, options));
  try {
    await Promise.all(members.map(({ ready }) => ready()));
  } catch (error) {
    await Promise.all(members.map(({ stop }) => stop()));
    throw error;
  }
  return members;
}

function startMember(
  { name, client, peer }: { readonly name: string; readonly client: number; readonly peer: number },
  cluster: string,
  { flags = [], scheme = "http", snapshot, login: ownLogin = [] }: EtcdOptions,
): Etcd & { ready(): Promise<void> } {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-etcd-"));
  const [clientUrl, peerUrl] = [`${scheme}://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const own = [
    ...["--name", name, "--data-dir", join(directory, "data")],
    ...["--initial-cluster", cluster, "--initial-advertise-peer-urls", peerUrl],
  ];
  if (snapshot !== undefined) Bun.spawnSync(["etcdctl", "snapshot", "restore", snapshot, ...own]);
  const spawn = () =>
    Bun.spawn(
      [
        ...["etcd", ...own, "--logger", "zap", "--log-level", "error", "--unsafe-no-fsync"],
        ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
        ...["--listen-peer-urls", peerUrl, "--bcrypt-cost", "4", ...flags],
      ],
      { env: { PATH: process.env["PATH"] ?? "" }, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
  let child = spawn();

  const run = async (login: readonly string[], args: readonly string[], input = "") => {
    const called = Bun.spawn(["etcdctl", "--endpoints", clientUrl, ...login, ...args], {
      env: { PATH: process.env["PATH"] ?? "", ETCDCTL_API: "3" },
      stdin: new TextEncoder().encode(input),
      stdout: "pipe",
      stderr: "pipe",
    });
    const text = await new Response(called.stdout).text();
    if ((await called.exited) !== 0) throw new Error(`etcdctl: ${await new Response(called.stderr).text()}`);
    return text.trimEnd();
  };
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const stop = async () => {
    await end();
    rmSync(directory, { recursive: true, force: true });
  };
  const ready = async () => {
    const until = performance.now() + START_TIMEOUT_MS;
    while (
      !(await run(ownLogin, ["endpoint", "health"]).then(
        () => true,
        () => false,
      ))
    ) {
      if (child.exitCode !== null || performance.now() > until) {
        child.kill("SIGKILL");
        throw new Error(`etcd did not start: ${await new Response(child.stderr).text()}`);
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  };
  return {
    port: client,
    ctl: (...args) => run(ownLogin, args),
    ctlAs: (login, ...args) => run(login, args),
    async put(keys) {
      const operations = Object.entries(keys).map(([key, value]) =>
        value === undefined ? `del ${quoted(key)}` : `put ${quoted(key)} ${quoted(value)}`,
      );
      for (let start = 0; start < operations.length; start += BATCH) {
        // No condition, these operations, and no others.
        const batch = operations.slice(start, start + BATCH);
        await run(ownLogin, ["txn"], `\n${batch.join("\n")}\n\n\n`);
      }
    },
    async get(prefix) {
      const { kvs = [] } = JSON.parse(await run(ownLogin, ["get", "--prefix", prefix, "-w", "json"])) as {
        kvs?: { key: string; value?: string }[];
      };
      const text = (base64 = "") => Buffer.from(base64, "base64").toString();
      return Object.fromEntries(kvs.map(({ key, value }) => [text(key), text(value)]));
    },
    ready,
    async restart() {
      await end();
      child = spawn();
      await ready();
    },
    stop,
  };
}

/** As etcdctl reads it: a word in the spelling of Go. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
