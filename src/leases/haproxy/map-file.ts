/**
 * The file of HAProxy's map. HAProxy reads it when it starts and when it is reloaded. So the daemon writes
 * the same lines to the file and over the stats socket, and the first visitors after a reload are placed like
 * all others.
 *
 * An old file does no harm, because each lease in it carries its end. `maintenance` has no end: a HAProxy
 * that starts while the daemon is gone goes on with the maintenance page, like a HAProxy that was not
 * restarted.
 */

import { writeAtomically } from "../../files/atomic-file.ts";
import type { Log } from "../../log/log.ts";
import { errorMessage } from "../../text/error-message.ts";

/** HAProxy may read the file as another user. */
const MODE = 0o644;

/** The lease waits this long for the disk, and is then renewed without the file. */
const PATIENCE_MS = 500;

const HEADER = "# maxwells-daemon writes this file twice a second, for HAProxy's next start or reload.\n";

export class MapFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #fields: Readonly<Record<string, string>>;
  #isWriting = false;
  /** Undefined before the first write. */
  #isWritten: boolean | undefined;

  /**
   * @param path   an absolute path; the file may be absent, but its directory must exist
   * @param fields fields for the log, beside the reason
   */
  constructor(path: string, log: Log, fields: Readonly<Record<string, string>>) {
    this.#path = path;
    this.#log = log;
    this.#fields = fields;
  }

  /** Never rejects. Resolves after `PATIENCE_MS` at most. While a disk hangs, no further write begins. */
  async write(lines: readonly string[]): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#write(`${HEADER}${lines.map((line) => `${line}\n`).join("")}`), patience]);
    clearTimeout(timer);
  }

  async #write(text: string): Promise<void> {
    try {
      await writeAtomically(this.#path, text, { mode: MODE });
      this.#isWritten = true;
    } catch (error) {
      this.#tell(errorMessage(error));
      this.#isWritten = false;
    } finally {
      this.#isWriting = false;
    }
  }

  /** Logs once, until the file has been written again. */
  #tell(error: string): void {
    if (this.#isWritten === false) return;
    this.#log.warn(
      "the file of HAProxy's map cannot be written, so after a reload of HAProxy all visitors go to master for half a second; " +
        "let the daemon's user write to its directory, or keep the map in the state directory",
      { ...this.#fields, error },
    );
  }
}
