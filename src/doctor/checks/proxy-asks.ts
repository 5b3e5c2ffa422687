/** The proxy asks the daemon, or decides under a lease and reports. The daemon's counts show this. */

import { type Asking, isHeard, isUnheard, seeAsking } from "../asking.ts";
import type { Check } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { causing, type Evidence, type Finding, fail, pass, skipped, warn } from "../finding.ts";
import { CAUSES, withoutAssignment } from "../subject.ts";

export const proxyAsks: Check = {
  id: "proxy-asks",
  title: "the proxy asks the daemon",
  follows: CAUSES,
  isRepeated: true,

  skip: (subject) =>
    withoutAssignment(subject) ??
    (isState(subject.state) ? undefined : "only the admin listener has the daemon's counts"),

  async run(subject, signal) {
    const asking = await seeAsking(subject, signal);
    return asking === undefined ? skipped("the admin listener stopped answering") : judge(asking);
  },
};

function judge(asking: Asking): Finding {
  const { visitors, decisions, withoutLease, answers, written, elsewhere } = asking;
  const evidence: Evidence = { visitors, decisions, withoutLease, answers, written, elsewhere };
  if (isHeard(asking)) return pass(`${visitors} visitors, ${decisions} decisions`, evidence);
  const said = `${visitors} visitors came, but the daemon heard of ${decisions} of them`;
  if (decisions > 0) {
    return warn(
      `${said}: the proxy sometimes stops waiting for the daemon, and serves master`,
      "lower the load of this machine: the daemon is too busy to answer within milliseconds",
      evidence,
    );
  }
  if (withoutLease > 0) {
    return causing(
      fail(
        `${said}: the proxy has no lease, so all visitors go to master`,
        "read the proxy's error log, which says why it cannot renew its lease. Its socket must be the daemon's, and the daemon " +
          "must serve its application",
        evidence,
      ),
      "the proxy has no lease, so all visitors go to master",
    );
  }
  if (written > 0) {
    return skipped(
      "the daemon writes a lease for a proxy that decides by itself and reports nothing; split shows whether that proxy serves here",
      evidence,
    );
  }
  if (answers > 0) {
    return warn(
      `${said}; a proxy asked, or renewed a lease, ${answers} times meanwhile`,
      "if split passes, there is nothing to do: the proxy at -url decides by itself and reports nothing. If split fails, compare " +
        "its configuration with the shipped one",
      evidence,
    );
  }
  const finding = fail(
    `${said}: the proxy does not ask it`,
    "compare the proxy's configuration, at this address, with the shipped one: it must name this daemon's socket. Then reload " +
      "the proxy. Its error log says if it cannot reach the daemon",
    evidence,
  );
  // If the proxy splits visitors by itself, the next checks find out how.
  return isUnheard(asking)
    ? causing(finding, "the proxy does not ask the daemon, so all visitors go to master")
    : finding;
}
