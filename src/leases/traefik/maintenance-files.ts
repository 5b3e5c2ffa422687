/**
 * Which applications are in maintenance, as their files say (`maintenance.ts`): looked at in the background, so that
 * a caller gets an answer at once, whatever the disk does.
 */

import { isInMaintenance } from "../../state/maintenance.ts";

/** How often the files are looked at, and how long a start waits for the first look. */
const LOOK_EVERY_MS = 500;

export class MaintenanceFiles {
  readonly #directory: string | undefined;
  readonly #applications: readonly string[];
  readonly #onBegin: (application: string) => void;
  readonly #isOn = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /**
   * @param directory the directory of the files; undefined: no application is ever in maintenance
   * @param onBegin   is told when an application goes into maintenance
   */
  constructor(
    directory: string | undefined,
    applications: readonly string[],
    onBegin: (application: string) => void,
  ) {
    this.#directory = directory;
    this.#applications = applications;
    this.#onBegin = onBegin;
  }

  /** Whether the file was there at the last look. */
  has(application: string): boolean {
    return this.#isOn.has(application);
  }

  /** Resolves when each file was looked at once, or when that takes too long. */
  async start(): Promise<void> {
    await Promise.race([this.#lookAtAll(), Bun.sleep(LOOK_EVERY_MS)]);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #lookAtAll(): Promise<void> {
    const directory = this.#directory;
    if (directory === undefined) return;
    await Promise.all(this.#applications.map((application) => this.#lookAt(directory, application)));
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#lookAtAll(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async #lookAt(directory: string, application: string): Promise<void> {
    const isOn = await isInMaintenance(directory, application);
    if (isOn === undefined || isOn === this.#isOn.has(application)) return;
    if (isOn) {
      this.#isOn.add(application);
      this.#onBegin(application);
    } else this.#isOn.delete(application);
  }
}
