import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import type { LabPaths } from "../machine/paths.ts";
import { command } from "../machine/shell.ts";
import {
  API_SERVER_URL,
  CLUSTER_DOMAIN,
  KUBERNETES_SERVICE_IP,
  NODE_IP,
  NODE_NAME,
  TELEPORT_HOST,
} from "./addresses.ts";

/** The cluster's CA, and one for web servers, which stands for the public ones that a machine trusts. */
const AUTHORITIES = { ca: "/CN=lab-cluster-ca", "web-ca": "/CN=lab-web-ca" } as const;

type Authority = keyof typeof AUTHORITIES;

/** A certificate: its subject, and the names it may serve under. */
interface CertificateRequest {
  readonly subject: string;
  /** Who signs it; default: the cluster's CA. */
  readonly authority?: Authority;
  readonly names?: readonly string[];
}

const API_SERVER_NAMES = [
  "DNS:kubernetes",
  "DNS:kubernetes.default",
  "DNS:kubernetes.default.svc",
  `DNS:kubernetes.default.svc.${CLUSTER_DOMAIN}`,
  `IP:${KUBERNETES_SERVICE_IP}`,
  `IP:${NODE_IP}`,
];

/** The subjects are those that Kubernetes' own roles and its Node authorizer expect (Kubernetes documentation, "PKI certificates and requirements"). */
const CERTIFICATES: Readonly<Record<string, CertificateRequest>> = {
  "kube-apiserver": { subject: "/CN=kube-apiserver", names: API_SERVER_NAMES },
  // kubelet serves with a certificate of the cluster's CA, so that tbot can verify it against the CA in its service account volume.
  "kubelet-server": { subject: `/CN=${NODE_NAME}`, names: [`DNS:${NODE_NAME}`, `IP:${NODE_IP}`] },
  "kubelet-client": { subject: "/O=system:masters/CN=kube-apiserver-kubelet-client" },
  admin: { subject: "/O=system:masters/CN=lab-admin" },
  "kube-controller-manager": { subject: "/CN=system:kube-controller-manager" },
  "kube-scheduler": { subject: "/CN=system:kube-scheduler" },
  "kube-proxy": { subject: "/CN=system:kube-proxy" },
  node: { subject: `/O=system:nodes/CN=system:node:${NODE_NAME}` },
  coredns: { subject: "/O=system:masters/CN=lab-coredns" },
  "teleport-proxy": {
    subject: `/CN=${TELEPORT_HOST}`,
    names: [`DNS:${TELEPORT_HOST}`, `IP:${NODE_IP}`],
    authority: "web-ca",
  },
};

/** The users that get a kubeconfig, `config/<user>.kubeconfig`. */
const KUBECONFIG_USERS = ["admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "node", "coredns"];

const VALID_DAYS = "3650";

/**
 * Makes the CAs, certificates, service account key (RSA 2048, as kubeadm makes it) and kubeconfigs, once in a state's life.
 */
export async function createPki(paths: LabPaths): Promise<void> {
  const marker = join(paths.pki, "complete");
  const made = JSON.stringify([AUTHORITIES, CERTIFICATES]);
  if (existsSync(marker)) {
    if (readFileSync(marker, "utf8") === made) return;
    throw new ExitError(
      "This lab's certificates are an earlier lab's; run `npm run lab -- down --wipe` first.",
      EXIT.refused,
    );
  }
  mkdirSync(paths.pki, { recursive: true, mode: 0o700 });
  mkdirSync(paths.config, { recursive: true });
  const openssl = (...args: string[]) => command(["openssl", ...args], { cwd: paths.pki });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  for (const [name, subject] of Object.entries(AUTHORITIES)) {
    await openssl(
      ...["req", "-x509", ...newKey, "-days", VALID_DAYS, "-subj", subject],
      ...["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
      ...["-keyout", `${name}.key`, "-out", `${name}.crt`],
    );
  }
  for (const [name, { subject, names, authority = "ca" }] of Object.entries(CERTIFICATES)) {
    const extensions = [
      "basicConstraints=CA:FALSE",
      "keyUsage=critical,digitalSignature",
      "extendedKeyUsage=serverAuth,clientAuth",
      ...(names === undefined ? [] : [`subjectAltName=${names.join(",")}`]),
    ];
    writeFileSync(join(paths.pki, `${name}.ext`), `${extensions.join("\n")}\n`);
    await openssl("req", ...newKey, "-subj", subject, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    await openssl(
      ...[
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        `${authority}.crt`,
        "-CAkey",
        `${authority}.key`,
        "-CAcreateserial",
      ],
      ...["-days", VALID_DAYS, "-extfile", `${name}.ext`, "-out", `${name}.crt`],
    );
  }
  await openssl("genrsa", "-out", "service-account.key", "2048");
  await openssl("rsa", "-in", "service-account.key", "-pubout", "-out", "service-account.pub");
  for (const user of KUBECONFIG_USERS) {
    writeFileSync(join(paths.config, `${user}.kubeconfig`), kubeconfig(paths.pki, user), { mode: 0o600 });
  }
  writeFileSync(paths.kubeconfig, kubeconfig(paths.pki, "admin"), { mode: 0o600 });
  writeFileSync(marker, made);
}

function kubeconfig(pki: string, user: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "lab", cluster: { server: API_SERVER_URL, "certificate-authority": join(pki, "ca.crt") } }],
    users: [
      { name: user, user: { "client-certificate": join(pki, `${user}.crt`), "client-key": join(pki, `${user}.key`) } },
    ],
    contexts: [{ name: "lab", context: { cluster: "lab", user } }],
    "current-context": "lab",
  });
}
