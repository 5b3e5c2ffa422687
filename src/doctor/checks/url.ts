/** The page behind `-url` is served, so that the other probes can mean something. */

import { type Check, fail, pass, warn } from "../check.ts";
import { siteOf } from "../subject.ts";

export const url: Check = {
  id: "url",
  title: "the page of -url is served",

  skip: ({ site }) => (site === undefined ? "no -url was given" : undefined),

  async run(subject) {
    const site = siteOf(subject);
    const { first } = site;
    const { status = 0, error = "", tookMs = 0 } = first ?? {};
    const evidence = { url: site.shownUrl, status, tookMs: Math.round(tookMs) };
    if (status === 0) {
      const isCertificate = /certificate|self[- ]signed|altname/i.test(error);
      return fail(
        `no reply from ${site.shownUrl}: ${error}`,
        isCertificate
          ? "name the host that the certificate is for (-header 'Host: …'), or use -insecure"
          : "is the proxy running, and is it its address? write it as visitors do",
        evidence,
      );
    }
    if (status === 503 && subject.findings.get("maintenance")?.evidence["isThere"] === true) {
      return fail("maintenance mode is on: everyone sees its page", "end it, and run doctor again", evidence);
    }
    if (status >= 500) {
      return fail(
        `a new visitor sees an error: status ${status}`,
        "the proxy's error log says why; begin there",
        evidence,
      );
    }
    if (status >= 400) {
      return warn(
        `it is answered with ${status}`,
        "name a page that is served to everyone; -header sends what it may need",
        evidence,
      );
    }
    return pass(`status ${status} within ${Math.round(tookMs)} ms`, evidence);
  },
};
