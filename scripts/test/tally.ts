/**
 * The result of a run of tests. A file that failed is run again alone, so that the reader learns whether it
 * is broken or flaky. In CI, a file that passes only then still counts as failed. On a developer's machine,
 * which may be busy, it is a warning.
 */

/** The result of one run of one file, or of a part of it. */
export interface FileRun {
  readonly file: string;
  /** The part of the file; undefined for the whole. */
  readonly pattern?: string | undefined;
  readonly passed: number;
  readonly failed: number;
  /** The failed cases with their errors, as bun wrote them. */
  readonly failures: readonly string[];
  readonly wallMs: number;
  readonly processorMs: number;
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

  /** Counts tests that are skipped because a tool is missing. In CI they count as failed. */
  leftOut(): void {
    if (this.#isCi) this.#failed++;
  }

  /** Adds a file, with the result of its second run, if there was one. */
  file(run: FileRun, again?: FileRun): void {
    this.#passed += run.passed;
    this.#failed += run.failed;
    if (run.failed === 0) return;
    // If fewer cases pass now than failed before, some were skipped.
    const isFlaky = again !== undefined && again.failed === 0 && again.passed >= run.failed;
    if (isFlaky && !this.#isCi) {
      this.#passed += run.failed;
      this.#failed -= run.failed;
    }
    // The second run shows nothing of a failure that is gone, and the first one is far above in the log.
    if (isFlaky) this.#lines.push(`── what failed once in ${run.file}:`, ...run.failures);
    const what = isFlaky ? "FLAKY: failed once, passed when it ran again alone" : "failed";
    this.#lines.push(`── ${what}: ${run.file} (${run.failed}); repeat it: ${this.#command(run.file)}`);
    if (isFlaky && !this.#isCi) this.#lines.push("   CI counts this as failed: mend the test.");
  }

  /** The lines at the end; the last one is `N passed, N failed`. */
  summary(): string {
    return [...this.#lines, "", `${this.#passed} passed, ${this.#failed} failed`].join("\n");
  }
}
