/**
 * Replies say which version served them. If they do not, doctor cannot see how the proxy uses the daemon's
 * answers.
 */

import type { Check } from "../check.ts";
import { pass, warn } from "../finding.ts";
import { siteOf, withoutSite } from "../subject.ts";

export const versionShown: Check = {
  id: "version-shown",
  title: "replies say which version served them",
  skip: withoutSite,
  follows: ["maintenance", "url", "errors"],

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
        "write patterns that match the page as it is sent, one for master and one for each version",
        { by: telling.by, versions },
      );
    }
    return warn(
      "replies do not say which version served them: doctor can prove the daemon's answers, but not how the proxy uses them",
      "make the proxy add the header maxwellsdaemon-location to replies: its shipped files have that line, marked CHANGE. Or name " +
        "another header with -version-header, or texts of the pages: -version-text master=REGEX -version-text canary=REGEX",
      { by: telling.by },
    );
  },
};
