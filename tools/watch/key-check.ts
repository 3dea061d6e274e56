import { counted } from "../base/count.ts";
import { type Check, problem, warning } from "../doctor/checks/check.ts";
import { known } from "../doctor/facts/facts.ts";
import { parseJwks } from "../teleport/join/jwks.ts";
import { keyIdDifferences } from "../teleport/join/key-ids.ts";

/**
 * Doctor's check `token-keys` for a place without tctl: it compares the cluster's keys with key IDs. Each key that the
 * join token lacks is a problem, since this is asked before the cluster signs with it, when there is still time.
 */
export function keyCheck(tokenKeys: Check, ids: readonly string[]): Check {
  return {
    ...tokenKeys,
    run(facts) {
      const published = parseJwks(Buffer.from(known(facts.jwks)), "the API server");
      const findings = keyIdDifferences(ids, published).map(({ kind, subject, consequence }) => {
        const judged = kind === "extra" ? warning : problem;
        return judged("the join token", `${kind} ${subject}: ${consequence}`, HINT);
      });
      return {
        examined: `${counted(published.length, "key")} of the API server, ${counted(ids.length, "key ID")}`,
        findings,
      };
    },
  };
}

const HINT =
  "Make the join token anew, `istio-teleport gen-token -f values.yaml | tctl create -f`, and put its keys' IDs into watch.keyIds.";
