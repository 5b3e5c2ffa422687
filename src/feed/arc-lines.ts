/** The lines of the log about the records and the arcs of one application. */

import { type Arc, findOverlap, MAINTENANCE, spell } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";
import type { LastGood } from "./reading.ts";
import { changed } from "./same-arcs.ts";
import { signatureOf } from "./signature.ts";
import type { Tellings } from "./tellings.ts";

/** A problem of a snapshot, with the version if it is the problem of one record. */
export interface Complaint {
  readonly problem: string;
  readonly version: string | undefined;
}

export class ArcLines {
  readonly #application: string;
  /** The store's address. */
  readonly #store: string;
  /** The complaints of the last read, so that the log has them once. */
  #complaints = "";

  constructor(application: string, store: string) {
    this.#application = application;
    this.#store = store;
  }

  /** Tells the complaints about a snapshot if they are other ones than the last time. */
  complaints(complaints: readonly Complaint[], tellings: Tellings): void {
    const text = JSON.stringify(complaints);
    if (text === this.#complaints) return;
    this.#complaints = text;
    for (const { problem, version } of complaints) {
      const consequence = version === MAINTENANCE ? "leaves maintenance as it is" : "counts as rollout 0";
      tellings.line("warn", `a record cannot be used and ${consequence}`, {
        application: this.#application,
        version,
        problem,
        store: this.#store,
      });
    }
  }

  /**
   * Tells the arcs that count from now on, and an overlap.
   *
   * @param before the arcs that counted until now; undefined at the first read
   */
  change(before: readonly Arc[] | undefined, after: readonly Arc[], snapshot: Snapshot, tellings: Tellings) {
    tellings.line("info", before === undefined ? "rollouts" : "rollouts changed", {
      application: this.#application,
      arcs: spelled(after),
      hold: namesOf(after.filter(({ failsafe }) => failsafe === "hold")),
      ...(before === undefined ? {} : signatureOf(changed(before, after), snapshot)),
    });
    const overlap = findOverlap(after);
    if (overlap === undefined) return;
    const [first, second] = overlap;
    tellings.line("warn", "two versions overlap: visitors in both arcs are served by the first", {
      application: this.#application,
      first: spell([first]),
      second: spell([second]),
      remedy: `give ${second.version} another -offset`,
    });
  }

  changeByOverride(arcs: readonly Arc[], tellings: Tellings): void {
    const fields = { application: this.#application, arcs: spelled(arcs) };
    tellings.line("info", "rollouts changed by an override", fields);
  }

  noRecords(tellings: Tellings): void {
    tellings.line("warn", "the store has no records of this application: all visitors go to master", {
      application: this.#application,
      store: this.#store,
      remedy: "check the spelling of -application and of the store's address, or write its first record",
    });
  }

  /** @param arcs those of the saved snapshot that count; undefined if it is too old to count */
  startFrom({ ageMs }: LastGood, arcs: readonly Arc[] | undefined, tellings: Tellings): void {
    const fields = { application: this.#application, age: `${(ageMs / 1000).toFixed(1)}s` };
    if (arcs !== undefined) {
      tellings.line("info", "starting from the saved snapshot", { ...fields, arcs: spelled(arcs) });
    } else {
      const stale =
        "the saved snapshot is older than -unhealthy: all visitors go to master until the store is read";
      tellings.line("info", stale, fields);
    }
  }
}

function spelled(arcs: readonly Arc[]): string {
  return spell(arcs) || "none";
}

function namesOf(arcs: readonly Arc[]): string | undefined {
  return arcs.length === 0 ? undefined : arcs.map(({ version }) => version).join(",");
}
