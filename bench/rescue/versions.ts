/**
 * The versions of all applications, in one nginx: master answers every visitor, and the canary fails for
 * every visitor. Only the witness gets an answer from the canary, because an error would make it one more
 * victim.
 */

import { join } from "node:path";
import { startNginx } from "../../test/support/nginx.ts";
import { freePort } from "../../test/support/port.ts";
import { directoryOf, type Stops } from "../ways.ts";

/** The header of the witness's requests. */
export const WITNESS = "x-witness";

/** Starts them. Resolves with the directory of their sockets, `master.sock` and `canary.sock`. */
export async function startVersions(stops: Stops): Promise<string> {
  const directory = directoryOf(stops);
  const port = await freePort();
  const nginx = await startNginx(
    directory,
    port,
    `server { listen 127.0.0.1:${port}; listen unix:${join(directory, "master.sock")}; return 200 "master"; }
     server {
       listen unix:${join(directory, "canary.sock")};
       if ($http_${WITNESS.replace("-", "_")}) { return 200 "canary"; }
       return 500;
     }`,
  );
  stops.push(() => nginx.stop());
  return directory;
}
