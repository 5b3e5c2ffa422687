/**
 * A lease in HAProxy's memory: the daemon sets a map over HAProxy's stats socket, and HAProxy decides by
 * itself, by comparisons in its configuration (integrations/haproxy, docs/protocol/haproxy-map.md).
 *
 * Twice a second the daemon replaces the whole map, atomically. It writes the map's file too, because HAProxy
 * begins with the file after a reload. Every lease carries its end, so nothing has to be cleaned up if a
 * daemon stops renewing. Each renewal opens a new connection: after a reload of HAProxy it reaches the new
 * process. An old connection would stay with the old process.
 */

import { isAbsolute } from "node:path";
import { type Address, addressText } from "../address.ts";
import { type Option, Problem, type Settings } from "../config/option.ts";
import { parseAddress, repeatable, unixAddress } from "../config/values.ts";
import { KnownEnds } from "./arc-ends.ts";
import { leaseLines, maintenanceLine } from "./haproxy/map.ts";
import { MapFile } from "./haproxy/map-file.ts";
import { remedyOf, remedyOfReply } from "./haproxy/remedy.ts";
import { RuntimeApi, RuntimeApiError } from "./haproxy/runtime-api.ts";
import { tryHaproxy } from "./haproxy/trial.ts";
import type { LeaseContext, LeaseKind, Publisher } from "./lease.ts";
import { Renewal } from "./renewal.ts";

/** A renewal that takes longer than this has failed. */
const RENEW_TIMEOUT_MS = 1_000;

/** HAProxy accepts commands of `tune.bufsize` bytes at most, payload included. The default is 16 384. */
const PAYLOAD_BYTES_MAX = 4_096;

/** In the state directory of the systemd unit, because the daemon must be able to write the file. */
const DEFAULT_MAP = "/var/lib/maxwells-daemon/haproxy.map";

/** One map of one HAProxy. */
export interface HaproxyMapAddress {
  /** Its stats socket, of level admin. */
  readonly socket: Address;
  /** The name of the map's file in HAProxy's configuration. */
  readonly map: string;
}

export const haproxyMapAddresses: Option<readonly HaproxyMapAddress[]> = repeatable(
  {
    name: "haproxy-map",
    placeholder: "SOCKET[,MAP]",
    summary: `a HAProxy that decides by itself: its stats socket, and the file of its map, ${DEFAULT_MAP} if you name none`,
    absent: [],
  },
  parseHaproxyMap,
);

function parseHaproxyMap(text: string): HaproxyMapAddress | Problem {
  const problem = new Problem(
    `write the path of a stats socket or tcp:HOST:PORT, and after a comma the map's file if it is not ${DEFAULT_MAP}`,
  );
  const [place = "", map = DEFAULT_MAP, ...rest] = text.split(",");
  const socket = place.startsWith("/") ? unixAddress(place) : parseAddress(place);
  if (socket instanceof Problem || socket.kind === "fd" || rest.length > 0) return problem;
  return /^[!-~]+$/.test(map) && !map.includes(";") ? { socket, map } : problem;
}

export const haproxyMap: LeaseKind = {
  name: "haproxy-map",
  proxy: { name: "haproxy", title: "HAProxy", processes: ["haproxy"], versionFlags: ["-v"] },
  options: [haproxyMapAddresses],
  unseen: "HAProxy with a map decides by itself and reports nothing",
  remedy:
    "look at the daemon's log: HAProxy needs this map, and a stats socket of level admin that the daemon's user may open",
  addresses: () => [],
  targets: (settings) =>
    settings
      .get(haproxyMapAddresses)
      .map((address) => ({ text: targetText(address), socket: address.socket })),
  tryTargets: (settings) =>
    Promise.all(settings.get(haproxyMapAddresses).map(({ socket, map }) => tryHaproxy(socket, map))),
  create(settings: Settings, context: LeaseContext): Publisher[] {
    const addresses = settings.get(haproxyMapAddresses);
    const isShared = ({ socket }: HaproxyMapAddress) =>
      addresses.filter((other) => addressText(other.socket) === addressText(socket)).length > 1;
    return addresses.map((address) => new HaproxyMap(context, address, isShared(address)));
  },
};

/** The address in the form of the flag, with the map. */
function targetText({ socket, map }: HaproxyMapAddress): string {
  return `${socket.kind === "unix" ? socket.path : addressText(socket)},${map}`;
}

export class HaproxyMap implements Publisher {
  readonly name: string;
  readonly #context: LeaseContext;
  readonly #address: HaproxyMapAddress;
  readonly #renewal: Renewal;
  /** Undefined if HAProxy may be on another machine, or if its map is not named by a path. */
  readonly #file: MapFile | undefined;
  readonly #known = new KnownEnds();

  /** @param isShared this HAProxy has other maps too, so the name of this lease includes the map */
  constructor(context: LeaseContext, address: HaproxyMapAddress, isShared = false) {
    this.#context = context;
    this.#address = address;
    const counts = context.metrics.server({
      protocol: haproxyMap.name,
      address: address.socket,
      listens: false,
      leasesTo: haproxyMap.proxy.name,
      ...(isShared ? { part: address.map } : {}),
    });
    this.name = counts.name;
    const fields = { server: this.name, map: address.map };
    const isHere = address.socket.kind === "unix" && isAbsolute(address.map);
    this.#file = isHere ? new MapFile(address.map, context.log, fields) : undefined;
    this.#renewal = new Renewal({
      proxy: haproxyMap.proxy.title,
      // The same HAProxy may have a lease in another map, for other visitors.
      ...(isShared ? { visitors: "all visitors of this map" } : {}),
      fields,
      log: context.log,
      counts,
      renew: () => this.#renew(),
      remedyOf,
    });
  }

  /** Never rejects: if HAProxy is not there yet, the daemon tries again. */
  async start(): Promise<void> {
    this.#renewal.start();
  }

  /** Leaves the map and its file. The lease ends by itself, unless another daemon goes on with it. */
  close(): Promise<void> {
    return this.#renewal.close();
  }

  /**
   * Writes the file before the map, so that the file is never older. A HAProxy that starts begins with the
   * file.
   */
  async #renew(): Promise<void> {
    const lines = this.#lines();
    await this.#file?.write(lines);
    await this.#replaceMap(lines);
  }

  #lines(): string[] {
    const { rollout, clock, maintenance } = this.#context;
    const nowMs = clock();
    const nowEpochMs = Date.now();
    const lines = rollout.applications.flatMap((application) => {
      // This line has no end, because maintenance outlasts the daemon (law 8).
      if (maintenance.isOn(application)) return [maintenanceLine(application)];
      const lease = rollout.table(application)?.lease(nowMs);
      return lease === undefined ? [] : leaseLines(application, lease, nowEpochMs, this.#known);
    });
    this.#known.sweep();
    return lines;
  }

  /** Replaces all lines of the map at once: HAProxy sees either all old lines or all new ones. */
  async #replaceMap(lines: readonly string[]): Promise<void> {
    const { socket, map } = this.#address;
    const api = await RuntimeApi.open(socket, RENEW_TIMEOUT_MS);
    try {
      const prepared = await api.ask(`prepare map ${map}`);
      const version = /^New version created: (\d+)$/.exec(prepared)?.[1];
      if (version === undefined) throw refusal("prepare map", prepared);
      for (const payload of payloadsOf(lines)) {
        const added = await api.ask(`add map @${version} ${map} <<\n${payload}`);
        if (/[^+\s]/.test(added)) throw refusal("add map", added);
      }
      const committed = await api.ask(`commit map @${version} ${map}`);
      if (committed !== "") throw refusal("commit map", committed);
    } finally {
      api.close();
    }
  }
}

/** The error if HAProxy refuses a command. */
function refusal(command: string, reply: string): RuntimeApiError {
  return new RuntimeApiError(`HAProxy's answer to ${command}: ${reply}`, remedyOfReply(reply));
}

/** The lines in as many payloads as they need. HAProxy uses none of them until the commit. */
function payloadsOf(lines: readonly string[]): string[] {
  const payloads: string[] = [];
  let payload = "";
  for (const line of lines) {
    if (payload !== "" && payload.length + line.length >= PAYLOAD_BYTES_MAX) {
      payloads.push(payload);
      payload = "";
    }
    payload += `${line}\n`;
  }
  if (payload !== "") payloads.push(payload);
  return payloads;
}
