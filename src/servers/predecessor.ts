/**
 * The daemon that another one replaces, as its admin listener tells of it.
 *
 * Unix sockets are taken over by a rename. A TCP address can be had beside its owner (SO_REUSEPORT), and then each gets a part
 * of the questions: good if the owner is the daemon that is replaced, and a silent disaster if it is anybody else. So the
 * address is shared only with a daemon that says that it listens there, and that serves nothing which this one does not.
 */

import { request } from "node:http";
import { type HostPort, hostPortText } from "../config/values.ts";

const TIMEOUT_MS = 1_000;

/** Ten thousand names of applications are less. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** What a daemon says at `/listeners`. */
export interface Listeners {
  readonly pid: number;
  readonly applications: readonly string[];
  /** Names of servers, such as `http tcp:127.0.0.1:6294`. */
  readonly listeners: readonly string[];
}

/** The daemon whose admin listener is at `admin`, if it is one that a daemon with these applications may replace. */
export async function findPredecessor(
  admin: HostPort,
  applications: readonly string[],
): Promise<Listeners | undefined> {
  const said = await readListeners(admin);
  return said?.applications.every((name) => applications.includes(name)) ? said : undefined;
}

/** What the daemon whose admin listener is at `admin` says of its listeners; undefined if there is none. */
export async function readListeners(admin: HostPort): Promise<Listeners | undefined> {
  try {
    const said: unknown = JSON.parse(await get(`http://${hostPortText(admin)}/listeners`));
    return isListeners(said) ? said : undefined;
  } catch {
    // Nobody is there, or it is no daemon of this kind.
    return undefined;
  }
}

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { timeout: TIMEOUT_MS, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > ANSWER_BYTES_MAX) asking.destroy(new Error("its answer is too long"));
      });
      response.on("end", () => settle(() => resolve(body)));
    });
    const timer = setTimeout(() => asking.destroy(new Error("no answer in time")), TIMEOUT_MS);
    function settle(how: () => void) {
      clearTimeout(timer);
      how();
    }
    asking.on("error", (error) => settle(() => reject(error)));
    asking.end();
  });
}

function isListeners(value: unknown): value is Listeners {
  const said = value as Partial<Listeners> | null;
  const areTexts = (list: unknown) => Array.isArray(list) && list.every((each) => typeof each === "string");
  return typeof said?.pid === "number" && areTexts(said.applications) && areTexts(said.listeners);
}
