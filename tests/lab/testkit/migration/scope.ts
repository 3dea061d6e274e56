import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { USER_DIR } from "../installation/installation.ts";

const VALUES = join(USER_DIR, "values.yaml");
const OWN_ISTIOD_VALUES = join(USER_DIR, "istiod-own-values.yaml");

/** Which pods are to have Teleport's identity. The test app cannot run where pods choose. */
export type Scope = { readonly namespaces: readonly string[] } | "pod";

/** The user's files, which a migration changes; `restore` puts back what was there. */
export interface UserFiles {
  /** @param socketDirectory tbot's on the node; default: the chart's */
  setScope(scope: Scope, socketDirectory?: string): void;
  /** Writes what the user adds to istiod's values. */
  setIstiodValues(values: object): void;
  restore(): void;
}

/** Remembers the user's files. */
export function editUserFiles(): UserFiles {
  const before = readFileSync(VALUES, "utf8");
  return {
    setScope(scope, socketDirectory) {
      const values = parse(before) as { istio: object; testApp: { enabled: boolean }; tbot: object };
      const injection = scope === "pod" ? { scope } : { scope: "namespace", namespaces: scope.namespaces };
      values.istio = { ...values.istio, blockIstiodCertificates: false, injection };
      if (scope === "pod" || !scope.namespaces.includes("test-app")) values.testApp.enabled = false;
      if (socketDirectory !== undefined) values.tbot = { ...values.tbot, socket: { hostPath: socketDirectory } };
      writeFileSync(VALUES, stringify(values));
    },
    setIstiodValues: (values) => writeFileSync(OWN_ISTIOD_VALUES, stringify(values)),
    restore() {
      writeFileSync(VALUES, before);
      rmSync(OWN_ISTIOD_VALUES, { force: true });
    },
  };
}
