/** A log that keeps what it is told, for tests to look at. */

import type { Fields, Level, Log } from "../../src/log/log.ts";

export interface Entry {
  readonly level: Level;
  readonly message: string;
  readonly fields: Fields;
}

export class KeptLog implements Log {
  readonly entries: Entry[] = [];

  info(message: string, fields: Fields = {}): void {
    this.entries.push({ level: "info", message, fields });
  }

  warn(message: string, fields: Fields = {}): void {
    this.entries.push({ level: "warn", message, fields });
  }

  error(message: string, fields: Fields = {}): void {
    this.entries.push({ level: "error", message, fields });
  }

  /** The messages at a level. */
  at(level: Level): Entry[] {
    return this.entries.filter((entry) => entry.level === level);
  }
}
