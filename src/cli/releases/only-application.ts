/** The application of a command about one release. */

import { application } from "../../settings/application.ts";
import type { Invocation } from "../command.ts";
import { CliError } from "../exit.ts";
import { oneOfText } from "../records/application-hint.ts";

/** Throws if there is more than one. */
export function onlyApplication({ settings }: Invocation): string {
  const names = settings.get(application);
  const [name = "", ...others] = names;
  if (others.length === 0) return name;
  throw new CliError("usage", "a release is of one application", oneOfText(names));
}
