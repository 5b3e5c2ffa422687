/** The address of `-url` answers. If it does not, other probes prove nothing. */

import type { Check } from "../check.ts";
import { causing, fail, pass, warn } from "../finding.ts";
import { siteOf, withoutSite } from "../subject.ts";

export const url: Check = {
  id: "url",
  title: "the address of -url answers",

  skip: withoutSite,

  async run(subject) {
    const site = siteOf(subject);
    const { first } = site;
    const { status = 0, error = "", tookMs = 0 } = first ?? {};
    const evidence = { url: site.shownUrl, status, tookMs: Math.round(tookMs) };
    if (status === 0) {
      const isCertificate = /certificate|self[- ]signed|altname/i.test(error);
      return causing(
        fail(
          `no reply from ${site.shownUrl}: ${error}`,
          isCertificate
            ? "name the host of the certificate (-header 'Host: …'), or use -insecure"
            : "start the proxy, or write the address that visitors use",
          evidence,
        ),
        "nothing answers at -url",
      );
    }
    if (subject.findings.get("maintenance")?.evidence["isThere"] === true) {
      return status === 503
        ? pass("maintenance is on, and visitors see its page (status 503)", evidence)
        : warn(
            `maintenance is on, but a new visitor does not see its page (status ${status})`,
            "add the part about maintenance from the proxy's shipped files: it looks for the file that the check maintenance names",
            evidence,
          );
    }
    if (status >= 400 && status < 500) {
      return warn(
        `a new visitor gets status ${status}`,
        "name a page that every visitor may see, or use -header if the page needs a header",
        evidence,
      );
    }
    return pass(`status ${status} within ${Math.round(tookMs)} ms`, evidence);
  },
};
