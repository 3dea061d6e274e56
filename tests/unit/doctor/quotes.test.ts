import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";

/** Where operators are told what to look for in a log or an error. */
const DOCUMENTS = [
  "docs/operate/troubleshooting.md",
  "docs/operate/faults.md",
  "docs/operate/monitoring.md",
  "docs/operate/key-rotation.md",
  "chart/templates/monitoring/rules.yaml",
];

/** Words that the double does not say itself, and whose they are. */
const OF_OTHERS: Readonly<Record<string, string>> = {
  "RBAC: access denied": "Envoy, source/extensions/filters/http/rbac/rbac_filter.cc",
  "SAN match": "Envoy, source/common/tls/cert_validator/spiffe/spiffe_validator.cc",
  CERTIFICATE_VERIFY_FAILED: "BoringSSL, ssl/ssl_x509.cc",
  "certificate has expired": "BoringSSL, crypto/x509/x509_txt.cc",
  "certificate signed by unknown authority": "Go, crypto/x509: UnknownAuthorityError",
  x509: "Go, crypto/x509",
  "dial tcp": "Go, net: OpError",
  "invalid character 'U'": "Go, encoding/json: SyntaxError",
  "too many open files": "Linux: EMFILE",
  "couldn't initialize inotify": "Istio, pilot-agent (fsnotify)",
  'violates PodSecurity "baseline"': "Kubernetes, pod-security-admission",
  'Secret "sh.helm.release.v1…" is invalid: data: Too long: may not be more than 1048576 bytes':
    "Kubernetes, pkg/apis/core/validation: ValidateSecret",
  'conflict with "pilot-discovery" … failurePolicy': "Kubernetes, server-side apply: another manager owns the field",
  "driver name csi.spiffe.io not found in the list of registered CSI drivers":
    "Kubernetes, pkg/volume/csi: newCsiDriverClient",
  "requires the use of a service account token with a TTL of less than 30m0s": "Teleport, lib/kube/token/validator.go",
  "unsupported key type/format": "go-jose, shared.go",
};

/** Quotes of other kinds: command lines, flags, values, patterns of names. */
const NOT_SAID =
  /^(?:az|chronyc|curl|doctor|gen-token|helm|istio-teleport|istioctl|kubectl|npm|npx|render|sysctl|tctl|tsh) |^--|^[\w./-]+: \S+$|[<{].*[>}]/;

/** What the documents quote of programs: code of several words that is nothing to type. */
function quotesIn(document: string): string[] {
  const text = readFileSync(repositoryPath(document), "utf8").replaceAll(/^```.*?^```/gms, "");
  return [...text.matchAll(/`([^`\n]+)`/g)]
    .map(([, quote = ""]) => quote)
    .filter((quote) => quote.includes(" ") && !NOT_SAID.test(quote));
}

const DOUBLE = repositoryPath("lab/go/teleport-double");

/** Tests of the double that have Teleport's own code refuse a join: what they expect is what it says. */
const OF_THE_JOIN = ["internal/joining/kubernetes_test.go", "internal/authserver/authserver_test.go"];

/** All that the double's programs can say, with Go's verbs in it; of Teleport's kinds the documents name one. */
const SAID = ["cmd", "internal"]
  .flatMap((folder) => readdirSync(join(DOUBLE, folder), { recursive: true }).map((file) => join(folder, String(file))))
  .filter((file) => file.endsWith(".go") && (!file.endsWith("_test.go") || OF_THE_JOIN.includes(file)))
  .flatMap((file) => readFileSync(join(DOUBLE, file), "utf8").match(/"(?:[^"\\\n]|\\.)+"|`[^`]+`/g) ?? [])
  .map((literal) => literal.slice(1, -1).replaceAll('\\"', '"').replaceAll("%s", "workload_identity"));

/** Whether the double says it, `…` standing for anything. */
function isSaid(quote: string): boolean {
  const parts = quote.split(/["']?…["']?/).map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const form = new RegExp(parts.join(".*"));
  return SAID.some((literal) => form.test(literal));
}

/** A nested error as a whole, or else each of its causes. */
function causesOf(quote: string): string[] {
  return isSaid(quote) || quote in OF_OTHERS ? [quote] : quote.split(/: | … /);
}

const QUOTES = DOCUMENTS.flatMap((document) => quotesIn(document).map((quote) => [document, quote] as const));

describe("what the documents quote from logs", () => {
  it.each(QUOTES)("%s: %s", (_, quote) => {
    expect(causesOf(quote).filter((cause) => !isSaid(cause) && !(cause in OF_OTHERS))).toEqual([]);
  });

  it("has a source for no words that nobody quotes", () => {
    const quoted = new Set(QUOTES.flatMap(([, quote]) => causesOf(quote)));
    expect(Object.keys(OF_OTHERS).filter((words) => !quoted.has(words))).toEqual([]);
  });
});
