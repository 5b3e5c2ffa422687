/**
 * How a run of tests went. A file that failed is run again alone, so that the reader learns whether it is
 * broken or flaky. In CI, a file that passed only then has failed all the same. A developer's machine may be
 * busy with other things, so there it is a warning.
 */

/** How one run of one file went. */
export interface FileRun {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
}

export class Tally {
  readonly #isCi: boolean;
  readonly #command: (file: string) => string;
  readonly #lines: string[] = [];
  #passed = 0;
  #failed = 0;

  /** @param command the command that repeats a file with the same random draws */
  constructor(isCi: boolean, command: (file: string) => string) {
    this.#isCi = isCi;
    this.#command = command;
  }

  get isGood(): boolean {
    return this.#failed === 0;
  }

  /** A step that is not a test file. */
  step(isGood: boolean): void {
    if (isGood) this.#passed++;
    else this.#failed++;
  }

  /** Tests are left out because a tool is missing. CI may leave out nothing. */
  leftOut(): void {
    if (this.#isCi) this.#failed++;
  }

  /** A file, and how it went when it was run again, if it was. */
  file(run: FileRun, again?: FileRun): void {
    this.#passed += run.passed;
    this.#failed += run.failed;
    if (run.failed === 0) return;
    // Fewer cases that pass now than failed before: some were left out.
    const isFlaky = again !== undefined && again.failed === 0 && again.passed >= run.failed;
    if (isFlaky && !this.#isCi) {
      this.#passed += run.failed;
      this.#failed -= run.failed;
    }
    const what = isFlaky ? "FLAKY: failed once, passed when it ran again alone" : "failed";
    this.#lines.push(`── ${what}: ${run.file} (${run.failed}); repeat it: ${this.#command(run.file)}`);
    if (isFlaky && !this.#isCi) this.#lines.push("   CI counts this as failed: mend the test.");
  }

  /** The lines at the end; the last one is `N passed, N failed`. */
  summary(): string {
    return [...this.#lines, "", `${this.#passed} passed, ${this.#failed} failed`].join("\n");
  }
}
