/** The receiver of the notices, and the way to it. */

import type { Transport } from "../../src/notices/attempt.ts";
import type { Destination } from "../../src/notices/form.ts";
import { webhook } from "../../src/notices/webhook.ts";
import type { Random } from "../support/random.ts";
import type { Process } from "./scheduler.ts";

export const DESTINATION: Destination = {
  ...{ form: webhook, url: "https://hooks.example/releases", mark: "1f0c9a3e", name: "webhook 1f0c9a3e" },
};

/** `gone`: calls fail. `deaf`: it takes notices, but its answers do not arrive. `ill`: status 503. */
export type Health = "well" | "gone" | "deaf" | "ill";

/** One notice that came. */
export interface Notice {
  readonly id: string;
  readonly atMs: number;
  readonly by: string;
}

export class Receiver {
  health: Health = "well";
  readonly notices: Notice[] = [];

  /** The way of one process to it. */
  transport(process: Process, random: Random): Transport {
    return (_url, { headers, signal }) =>
      new Promise((resolve, reject) => {
        const give = () => reject(signal?.reason);
        if (signal?.aborted) {
          give();
          return;
        }
        signal?.addEventListener("abort", give, { once: true });
        process.scheduler.after(2 + 40 * random.fraction(), () => {
          const { health } = this;
          const id = new Headers(headers).get("webhook-id") ?? "";
          if (health === "well" || health === "deaf") {
            this.notices.push({ id, atMs: process.scheduler.nowMs, by: process.name });
          }
          if (health === "deaf") return;
          process.after(2 + 10 * random.fraction(), () => {
            signal?.removeEventListener("abort", give);
            if (health === "gone") reject(new TypeError("the connection was refused"));
            else resolve(new Response(null, { status: health === "ill" ? 503 : 204 }));
          });
        });
      });
  }
}
