/** The proxy asks the daemon, as the daemon's counts show, or decides under a lease and reports. */

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
    (isState(subject.state) ? undefined : "the daemon's counts are at its admin listener"),

  async run(subject, signal) {
    const asking = await seeAsking(subject, signal);
    return asking === undefined ? skipped("the admin listener stopped to answer") : judge(asking);
  },
};

function judge(asking: Asking): Finding {
  const { visitors, decisions, withoutLease, answers, written, elsewhere } = asking;
  const evidence: Evidence = { visitors, decisions, withoutLease, answers, written, elsewhere };
  if (isHeard(asking)) return pass(`${visitors} visitors, ${decisions} decisions`, evidence);
  const said = `${visitors} visitors came, and the daemon heard of ${decisions} of them`;
  if (decisions > 0) {
    return warn(
      said,
      "the proxy stops waiting for the daemon now and then, and serves master: this machine is too busy for the daemon to " +
        "answer within milliseconds",
      evidence,
    );
  }
  if (withoutLease > 0) {
    return causing(
      fail(
        `${said}: the proxy has no lease`,
        "the proxy's error log says why it cannot renew its lease: its socket has to be the daemon's, and its application one " +
          "that the daemon serves",
        evidence,
      ),
      "the proxy has no lease, so everyone is at master",
    );
  }
  if (written > 0) {
    return skipped(
      "the daemon writes a lease for a proxy that decides by itself and reports nothing; split tells whether that proxy serves here",
      evidence,
    );
  }
  if (answers > 0) {
    return warn(
      `${said}, though some proxy asks or renews a lease (${answers} times meanwhile)`,
      "is that the proxy behind -url? If split passes, this proxy decides by itself and reports nothing. If not, compare its " +
        "configuration with the shipped one",
      evidence,
    );
  }
  const finding = fail(
    said,
    "compare the proxy's configuration, at this address, with the shipped one: does it have this daemon's socket, and was the " +
      "proxy reloaded? Its error log says if it cannot reach the daemon",
    evidence,
  );
  // A proxy that splits by itself is wrong in its own way, which the next checks see.
  return isUnheard(asking)
    ? causing(finding, "the proxy does not ask the daemon, so everyone is at master")
    : finding;
}
