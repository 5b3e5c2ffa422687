/** The program as one executable: Bun, with the program behind its end. */

import { join } from "node:path";

export interface CompileOptions {
  readonly root: string;
  readonly outfile: string;
  /** Another Bun than the one that runs, of the same version: its target, and its path. */
  readonly bun?: { readonly target: Bun.Build.CompileTarget; readonly path: string };
}

/** Resolves with what went wrong; undefined if nothing did. */
export async function compile({ root, outfile, bun }: CompileOptions): Promise<string | undefined> {
  try {
    const built = await Bun.build({
      entrypoints: [join(root, "src/bin.ts")],
      compile: {
        outfile,
        ...(bun !== undefined && { target: bun.target, executablePath: bun.path }),
        // The same as in bin/maxwells-daemon.
        execArgv: ["--smol", "--no-install"],
        // Bun reads these files of the current directory before the program begins, and two of them can name
        // code to run.
        autoloadBunfig: false,
        autoloadDotenv: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
      target: "bun",
      format: "esm",
      // With bytecode the program starts in a fifth of the time.
      bytecode: true,
      minify: true,
      sourcemap: "linked",
    });
    return built.success ? undefined : built.logs.join("\n");
  } catch (error) {
    return String(error);
  }
}
