/**
 * The file of HAProxy's map. HAProxy reads it when it starts and when it is reloaded, so the daemon writes into it what it
 * says over the stats socket: then the first visitors after a reload are decided as all others are.
 *
 * An old file does no harm, because each lease in it carries its end. `maintenance` has no end: a HAProxy that starts while the
 * daemon is gone goes on with the page, as one that was not restarted does.
 */

import type { Log } from "../../log/log.ts";
import { writeAtomically } from "../../state/atomic-file.ts";
import { errorMessage } from "../../text.ts";

/** HAProxy may read it under a user of its own. */
const MODE = 0o644;

/** A disk that is slower may finish behind the lease's back. */
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
   * @param path   a whole path; the file may be absent, its directory may not
   * @param fields what the log says beside the reason
   */
  constructor(path: string, log: Log, fields: Readonly<Record<string, string>>) {
    this.#path = path;
    this.#log = log;
    this.#fields = fields;
  }

  /** Never rejects. Resolves after `PATIENCE_MS` at most; a disk that hangs is not asked again before it has answered. */
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

  /** Once, until it could be written again. */
  #tell(error: string): void {
    if (this.#isWritten === false) return;
    this.#log.warn(
      "the file of HAProxy's map cannot be written, so visitors of the canary are at master for half a second after each " +
        "reload of HAProxy; let the daemon's user write into its directory, or keep the map in the state directory",
      { ...this.#fields, error },
    );
  }
}
