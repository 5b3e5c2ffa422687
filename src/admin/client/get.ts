/** One request to an admin listener of a daemon, on this machine or in a fleet. */

import { request } from "node:http";

export interface PageAnswer {
  readonly status: number;
  readonly body: string;
}

export interface GetLimits {
  readonly timeoutMs: number;
  /** The longest body, in characters. */
  readonly lengthMax: number;
}

/**
 * Gets a page. Rejects if there is no whole answer in time, or if the answer is too long.
 *
 * `fetch` would use the web proxy that the environment may name, but the daemon is on this machine.
 */
export function get(url: string, { timeoutMs, lengthMax }: GetLimits): Promise<PageAnswer> {
  return new Promise((resolve, reject) => {
    // The listener accepts this name always. Its check of names guards against browsers, which cannot choose
    // the name that they send.
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
