/** One request to an admin listener, as its clients make it: of daemons on this machine, or of a fleet. */

import { request } from "node:http";

export interface PageAnswer {
  readonly status: number;
  readonly body: string;
}

export interface GetLimits {
  readonly timeoutMs: number;
  /** Of the body, in characters. */
  readonly lengthMax: number;
}

/**
 * Gets a page. Rejects if there is no whole answer in time, or a longer one.
 *
 * Not by `fetch`, which would ask the proxy that the environment may name, and the daemon is on this machine.
 */
export function get(url: string, { timeoutMs, lengthMax }: GetLimits): Promise<PageAnswer> {
  return new Promise((resolve, reject) => {
    // Under any name that leads there: the listener's check of names is against browsers, which cannot send
    // another one.
    const asking = request(url, { headers: { host: "localhost" } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > lengthMax) stop(new Error("its answer is too long"));
      });
      response.on("end", () => finish(() => resolve({ status: response.statusCode ?? 0, body })));
      response.on("error", (error) => finish(() => reject(error)));
    });
    const timer = setTimeout(() => stop(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    function finish(settle: () => void) {
      clearTimeout(timer);
      settle();
    }
    function stop(error: Error) {
      finish(() => reject(error));
      asking.destroy();
    }
    asking.on("error", (error) => finish(() => reject(error)));
    asking.end();
  });
}
