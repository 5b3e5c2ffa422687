/** Runs commands of an integration's README unchanged. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

const INTEGRATIONS = join(import.meta.dir, "../../integrations");

/**
 * Runs the README's command that sums up requests and errors by version, and resolves with the lines that it
 * prints.
 *
 * @param folder of the integration, such as `nginx`
 * @param fill   texts for paths and other words of the command; each of those words has to be there
 */
export async function errorsByVersion(
  folder: string,
  fill: Readonly<Record<string, string>>,
): Promise<string[]> {
  const readme = readFileSync(join(INTEGRATIONS, folder, "README.md"), "utf8");
  const [, command = "", ...more] = /^```sh\n(.* awk .*)\n```$/m.exec(readme) ?? [];
  if (command === "" || more.length > 0) throw new Error(`${folder}/README.md should have one line with awk`);
  let filled = command.replaceAll("sudo ", "");
  for (const [from, to] of Object.entries(fill)) {
    if (!filled.includes(from)) throw new Error(`the command should name ${from}`);
    filled = filled.replace(from, () => to);
  }
  const child = Bun.spawn(["sh", "-c", filled], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [printed, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (complaint !== "") throw new Error(complaint);
  return printed.trimEnd().split("\n").sort();
}
