/** The law of notices: each transition of a release has one, with one id, at whatever point daemons died. */

import { noticeId } from "../../../src/notices/notice.ts";
import type { Release } from "../../../src/releases/release.ts";
import type { Commit } from "../engine.ts";
import type { Notice } from "../receiver.ts";
import type { Fault } from "./history.ts";
import { nowOfRecord } from "./knowledge.ts";

/** The newest line of a log, and when it came into the store. */
interface Line {
  readonly id: string;
  readonly atMs: number;
  readonly text: string;
}

export class NoticeLaws {
  /** The last time that a line of a log was written, by its text. */
  readonly #lines = new Map<string, Line>();
  readonly #ids = new Set<string>();

  committed({ version, after, atMs }: Commit): void {
    const { found } = nowOfRecord(version, after);
    if (found.kind !== "release") return;
    const { key, log } = found.release;
    for (const line of log) {
      const text = `${key} ${JSON.stringify(line)}`;
      if (this.#lines.has(text)) continue;
      const id = noticeId(key, { seq: line[0], atMs: line[1] });
      this.#lines.set(text, { id, atMs, text });
      this.#ids.add(id);
    }
  }

  /** Each line of the log has its notice. */
  restFault({ key, log }: Release, notices: readonly Notice[]): Fault {
    for (const line of log) {
      const { id, atMs } = this.#lines.get(`${key} ${JSON.stringify(line)}`) ?? { id: "", atMs: 0 };
      if (!notices.some((notice) => notice.id === id && notice.atMs >= atMs)) {
        return ["notice", `there is none for the line ${JSON.stringify(line)} of the log`];
      }
    }
    return undefined;
  }

  /** No notice is about something that never was. */
  idFault(notices: readonly Notice[]): Fault {
    for (const { id, by } of notices) {
      const isExtra = /-[a-z_]+-\d+-\d+$/.test(id);
      if (!isExtra && !this.#ids.has(id)) return ["notice", `${by} sent ${id}, which never was`];
    }
    return undefined;
  }
}
