/** The options of the page: the token of operators, and the header of a proxy that logs them in. */

import { type Option, Problem } from "../config/option.ts";
import { orNone, single } from "../config/values.ts";

export const adminTokenFile: Option<string | null> = single<string | null>(
  {
    name: "admin-token-file",
    placeholder: "PATH",
    summary:
      "the file of the token with which operators log in to the page and alerts abort; without it the page only shows",
    defaultText: "none",
  },
  orNone((text) =>
    text.startsWith("/") ? text : new Problem("write an absolute path, such as /etc/maxwells-daemon/token"),
  ),
);

export const adminUserHeader: Option<string | null> = single<string | null>(
  {
    name: "admin-user-header",
    placeholder: "NAME",
    summary:
      "the header in which a proxy names the person that it has logged in; then the page asks for no token",
    defaultText: "none",
  },
  orNone((text) =>
    /^[A-Za-z0-9-]{1,64}$/.test(text)
      ? text.toLowerCase()
      : new Problem("write the name of a header, such as X-Forwarded-User"),
  ),
);

export const PAGE_OPTIONS: readonly Option<unknown>[] = [adminTokenFile, adminUserHeader];
