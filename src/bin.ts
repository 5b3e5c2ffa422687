/**
 * The executable: hands arguments, environment and streams to the command line, and its exit status to the system.
 * It waits for what was printed to be taken, as ending at once would cut off a pipe.
 */

import type { Output } from "./cli/command.ts";
import { main } from "./cli/main.ts";

/** A reader that has gone, such as `head`, wants no more and needs no message. */
function quiet(stream: NodeJS.WriteStream): Output {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return stream;
}

function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) resolve();
    else stream.write("", () => resolve());
  });
}

const status = await main(process.argv.slice(2), {
  env: process.env,
  stdout: quiet(process.stdout),
  stderr: quiet(process.stderr),
});
await Promise.all([taken(process.stdout), taken(process.stderr)]);
process.exit(status);
