import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { NODE_IP, NODE_NAME, TELEPORT_HOST } from "../../lab/cluster/addresses.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { containerPids } from "./testkit/cluster/containers.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { enforceNetworkPolicy, liftNetworkPolicy } from "./testkit/cluster/network-policy.ts";
import { startNodeDaemon } from "./testkit/cluster/node-daemons.ts";
import { certificateOfAnotherCa, type ServerCertificate } from "./testkit/cluster/other-authority.ts";
import { address, isReady, onePod, untilReady } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { requireInstalled } from "./testkit/installation/installation.ts";
import { tbotRolledOut, upgrade } from "./testkit/installation/releases.ts";

/** Values for clusters unlike the lab's own, each on the lab made like such a cluster. */

const NAMESPACE = "others";
const TBOT = ["teleport-system", "app.kubernetes.io/name=tbot"] as const;
/** The Secret with the CA that nobody trusts. */
const SECRET = "private-ca";
/** Any port will do: a sidecar answers on each with its certificate. */
const PORT = 8080;
const READY_SECONDS = 90;

async function startPod(name: string): Promise<void> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: NAMESPACE, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "app", image: "lab.local/pause:lab", imagePullPolicy: "Never" }],
    },
  };
  await shell("kubectl create -f -", { input: JSON.stringify(pod) });
}

/** Waits until a pod is Ready, and requires Teleport's certificate on the wire. */
async function expectIdentity(name: string): Promise<void> {
  const pod = await untilReady(NAMESPACE, `app=${name}`, READY_SECONDS);
  expect(await (await Issuers.read()).presented(address(pod), PORT)).toMatchObject({ issuer: "teleport", valid: true });
}

/** tbot's log, from the node's files: the API server does not trust every kubelet of this file either. */
async function tbotSays(): Promise<string> {
  const { metadata } = await onePod(...TBOT);
  const folder = join(labPaths().log, "pods", `${TBOT[0]}_${metadata.name}_${metadata.uid}`, "tbot");
  return readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("");
}

/** A change of values, and tbot with it. */
async function change(sets: readonly string[]): Promise<void> {
  await upgrade(sets);
  await tbotRolledOut();
}

async function createSecret({ authority }: ServerCertificate): Promise<void> {
  await shell(
    `kubectl -n ${TBOT[0]} delete secret ${SECRET} --ignore-not-found &&
     kubectl -n ${TBOT[0]} create secret generic ${SECRET} --from-file=ca.crt='${authority}'`,
  );
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace(NAMESPACE, { meshed: true });
});

afterAll(async () => {
  await deleteNamespace(NAMESPACE);
  await shell(`kubectl -n ${TBOT[0]} delete secret ${SECRET} --ignore-not-found`);
});

afterEach(() => shell(`kubectl -n ${NAMESPACE} delete pods --all --wait`));

describe("a Teleport proxy with a certificate of a private CA", () => {
  const config = join(labPaths().config, "teleport.yaml");
  const other = join(labPaths().config, "teleport-private-ca.yaml");

  beforeAll(async () => {
    const certificate = await certificateOfAnotherCa("proxy", [`DNS:${TELEPORT_HOST}`, `IP:${NODE_IP}`]);
    await createSecret(certificate);
    const changed = parse(readFileSync(config, "utf8"));
    changed.proxy_service.https_keypairs = [{ cert_file: certificate.certificate, key_file: certificate.key }];
    writeFileSync(other, stringify(changed, { version: "1.1" }));
    await startNodeDaemon("teleport", (flags) =>
      flags.map((flag) =>
        flag.startsWith("SSL_CERT_FILE=") ? `SSL_CERT_FILE=${certificate.authority}` : flag.replace(config, other),
      ),
    );
  });

  afterAll(async () => {
    await startNodeDaemon("teleport");
    await change([]);
  });

  it("is refused by tbot, which says why", async () => {
    const { metadata } = await onePod(...TBOT);
    await shell(`kubectl -n ${TBOT[0]} delete pod ${metadata.name} --grace-period=1`);
    await until("tbot says that it does not trust the proxy", 60, async () =>
      (await tbotSays()).includes("x509: certificate signed by unknown authority"),
    );
    expect(isReady(await onePod(...TBOT))).toBe(false);
  });

  it("is trusted with global.teleport.caSecret", async () => {
    await change([`global.teleport.caSecret=${SECRET}`]);
    await startPod("behind-private-ca");
    await expectIdentity("behind-private-ca");
  });
});

describe("kubelets whose certificates another CA signed", () => {
  const serve = async (names: readonly string[]) => {
    const certificate = await certificateOfAnotherCa("kubelet", names);
    await createSecret(certificate);
    await startNodeDaemon("kubelet", (flags) => [
      ...flags,
      `--tls-cert-file=${certificate.certificate}`,
      `--tls-private-key-file=${certificate.key}`,
    ]);
  };

  afterAll(async () => {
    await startNodeDaemon("kubelet");
    await change([]);
  });

  it("are refused, so that no pod is attested; tbot says why", async () => {
    await serve([`IP:${NODE_IP}`]);
    await startPod("refused");
    await until("tbot says that it does not trust the kubelet", 60, async () =>
      (await tbotSays()).includes("x509: certificate signed by unknown authority"),
    );
    expect(isReady(await onePod(NAMESPACE, "app=refused"))).toBe(false);
  });

  it("are verified with tbot.kubelet.caSecret", async () => {
    await change([`tbot.kubelet.caSecret=${SECRET}`]);
    await startPod("verified");
    await expectIdentity("verified");
  });

  it("are verified by their node's name, where the certificate has no address", async () => {
    await serve([`DNS:${NODE_NAME}`]);
    await change([
      `tbot.kubelet.caSecret=${SECRET}`,
      "tbot.kubelet.address=nodeName",
      `tbot.hostAliases[0].ip=${NODE_IP}`,
      `tbot.hostAliases[0].hostnames[0]=${NODE_NAME}`,
    ]);
    await startPod("by-name");
    await expectIdentity("by-name");
  });
});

describe("a network that lets tbot do nothing but what its NetworkPolicy allows", () => {
  const renewals = (from: Date) =>
    auditEvents(from).filter((event) => event.spiffe_id?.endsWith("/ns/test-app/sa/server")).length;

  beforeEach(() => change(["tbot.networkPolicy.enabled=true", "tbot.renewalInterval=15s", "tbot.credentialTTL=90s"]));

  afterEach(liftNetworkPolicy);

  afterAll(() => change([]));

  it("still attests and renews, also over new connections", async () => {
    const dropped = await enforceNetworkPolicy("teleport-system", "tbot");
    await shell(
      `curl -sS --fail --unix-socket ${join(labPaths().teleportData, "admin.sock")} -X POST http://double/v1/break-watches`,
    );
    const from = new Date();
    await startPod("behind-policy");
    await expectIdentity("behind-policy");
    await until("the server's certificate was renewed twice", 120, async () => renewals(from) >= 4);
    expect(isReady(await onePod(...TBOT))).toBe(true);
    expect(await dropped()).toBe(0);
  });

  it("drops what the policy does not name: other pods, and the metrics for strangers", async () => {
    const dropped = await enforceNetworkPolicy("teleport-system", "tbot");
    const tbot = await onePod(...TBOT);
    const server = await onePod("test-app", "app.kubernetes.io/name=server");
    const [pid] = await containerPids(TBOT[0], tbot.metadata.name, "tbot");
    const reach = (from: string, url: string) => tryShell(`${from} curl -sS -o /dev/null --max-time 3 ${url}`);
    const outside = await reach(`nsenter --net --target ${pid}`, `http://${address(server)}:${PORT}`);
    expect(outside).toMatchObject({ code: 28 });
    const stranger = await reach(
      "kubectl -n test-app exec deploy/other-client -c client --",
      `http://${address(tbot)}:3001/metrics`,
    );
    expect(stranger.code).not.toBe(0);
    expect(await dropped()).toBeGreaterThan(0);
  });

  it("attests nobody without the policy's rule for the kubelet", async () => {
    const policy = JSON.parse(await shell(`kubectl -n ${TBOT[0]} get networkpolicy tbot -o json`));
    policy.spec.egress = policy.spec.egress.filter(
      ({ ports }: { ports: { port: number }[] }) => ports[0]?.port !== 10250,
    );
    await shell("kubectl replace -f -", { input: JSON.stringify(policy) });
    const dropped = await enforceNetworkPolicy("teleport-system", "tbot");
    await startPod("unattested");
    await until("a packet to the kubelet is dropped", 60, async () => (await dropped()) > 0);
    expect(isReady(await onePod(NAMESPACE, "app=unattested"))).toBe(false);
  });
});

describe("a node that enforces SELinux", () => {
  afterAll(() => change([]));

  it("gets the labels that values give; without SELinux they change nothing", async () => {
    await change(["tbot.podSecurityContext.seLinuxOptions.type=spc_t"]);
    const { metadata } = await onePod(...TBOT);
    const type = await shell(
      `kubectl -n ${TBOT[0]} get pod ${metadata.name} -o jsonpath='{.spec.securityContext.seLinuxOptions.type}'`,
    );
    expect(type).toBe("spc_t");
    await startPod("labelled");
    await expectIdentity("labelled");
  });
});
