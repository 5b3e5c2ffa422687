/** The address of `-url` answers, so that the other probes can mean something. */

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
            ? "name the host that the certificate is for (-header 'Host: …'), or use -insecure"
            : "start the proxy, or write the address as visitors do",
          evidence,
        ),
        "nothing answers at -url",
      );
    }
    if (subject.findings.get("maintenance")?.evidence["isThere"] === true) {
      return status === 503
        ? pass("maintenance is on, and visitors see its page (status 503)", evidence)
        : warn(
            `maintenance is on, and a new visitor does not see its page (status ${status})`,
            "add the part about maintenance from the proxy's shipped files: it looks for the file that maintenance names",
            evidence,
          );
    }
    if (status >= 400 && status < 500) {
      return warn(
        `it is answered with ${status}`,
        "name a page that is served to everyone; -header sends what it may need",
        evidence,
      );
    }
    return pass(`status ${status} within ${Math.round(tookMs)} ms`, evidence);
  },
};
