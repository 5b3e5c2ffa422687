/** Replies say which version served them: without that, what the proxy does cannot be seen. */

import { type Check, pass, warn } from "../check.ts";
import { siteOf, withoutSite } from "../subject.ts";

export const told: Check = {
  id: "told",
  title: "replies say which version served them",
  skip: withoutSite,

  async run(subject) {
    const { telling, first } = siteOf(subject);
    if (telling.by === "header") {
      return pass(`in the header ${telling.name}`, { by: telling.by, header: telling.name });
    }
    if (telling.by === "text") {
      const versions = telling.texts.map(({ version }) => version);
      if (first?.version !== undefined)
        return pass(`in their text, for ${versions.join(", ")}`, { by: telling.by, versions });
      return warn(
        "the first reply has none of the texts of -version-text",
        "write patterns that are found in the page as it is sent, one for master and one for each version",
        { by: telling.by, versions },
      );
    }
    return warn(
      "nothing in a reply says which version served it: what the daemon answers can be proved, not what the proxy does with it",
      "let the proxy or the application add the header maxwellsdaemon-location (or name another: -version-header), or name " +
        "texts of the pages: -version-text master=REGEX -version-text canary=REGEX",
      { by: telling.by },
    );
  },
};
