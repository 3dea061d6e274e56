import { copyFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { shellBlock, shellBlocks } from "../../scripts/shell-blocks/blocks.ts";
import { meshGraph } from "../../tools/graph/mesh-graph.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import type { ReportDocument } from "../../tools/report/document.ts";
import { loadGraphValues } from "../../tools/values/load.ts";
import { createNamespace, deleteNamespace, namespaceExists } from "./testkit/cluster/namespaces.ts";
import { address, onePod, untilReady } from "./testkit/cluster/pods.ts";
import { rbacFilters } from "./testkit/cluster/rbac-filters.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { certificateOnTheWire } from "./testkit/identity/wire.ts";
import { addRepositories, type ChartRepositories, serveRepositories } from "./testkit/installation/chart-repository.ts";
import { REPOSITORY, requireInstalled, runStep, USER_DIR } from "./testkit/installation/installation.ts";
import { markdownTable } from "./testkit/reports/markdown-table.ts";
import { type AccessLogLine, accessLog } from "./testkit/traffic/access-log.ts";
import { differences, type Matrix, notPassed, report, type Try, tryName } from "./testkit/traffic/matrix.ts";
import { OUTSIDE, probe, tryAll } from "./testkit/traffic/probe.ts";
import {
  EDGES,
  FROM_OUTSIDE,
  NAMESPACE,
  PAIRS,
  PARTS,
  type Protocol,
  partImage,
  partPort,
} from "./testkit/traffic/sock-shop.ts";

/** What an answer of the application looks like, and a refusal by its sidecar's policies, by what is spoken. */
const ANSWER: Record<Protocol, string> = {
  http: "200",
  mysql: "answered",
  mongo: "answered",
  redis: "answered",
  amqp: "answered",
};
const DENIED: Record<Protocol, string> = {
  http: "403",
  // A MySQL server speaks first, and Envoy decides when the client does.
  mysql: "greeted, then closed",
  mongo: "closed",
  redis: "closed",
  amqp: "closed",
};
/** What plaintext gets where mutual TLS is required, whatever is spoken. */
const PLAINTEXT_REFUSED = "reset";

/** What the parts' principals begin with. */
const PRINCIPALS = `${TELEPORT_CLUSTER_NAME}/ns/${NAMESPACE}/sa/`;

/** How long istiod and the sidecars may take until a changed policy holds. */
const SETTLING_SECONDS = 90;

function expectation(tries: readonly Try[], refused: (each: Try) => string | undefined): Matrix {
  return Object.fromEntries(tries.map((each) => [tryName(each), refused(each) ?? ANSWER[partPort(each.to).protocol]]));
}

const denied = ({ to }: Try) => DENIED[partPort(to).protocol];
const isFrontEnd = ({ to }: Try) => to === "front-end";
const ALL_PASS = expectation(PAIRS, () => undefined);
const NONE_PASSES = expectation(PAIRS, denied);
/** Anyone may call the front-end, so every other part may as well. */
const EDGES_AND_FRONT_END = expectation(PAIRS, (each) =>
  EDGES.includes(each) || isFrontEnd(each) ? undefined : denied(each),
);
const EDGES_ONLY = expectation(PAIRS, (each) => (EDGES.includes(each) ? undefined : denied(each)));
const DRY_RUN = Object.fromEntries(
  PAIRS.map(tryName).map((name) => [
    name,
    EDGES_AND_FRONT_END[name] === ALL_PASS[name] ? `${ALL_PASS[name]}` : `${ALL_PASS[name]}, would be denied`,
  ]),
);
const FRONT_END_FROM_OUTSIDE = expectation(FROM_OUTSIDE, (each) => (isFrontEnd(each) ? undefined : PLAINTEXT_REFUSED));
const DENIED_FROM_OUTSIDE = expectation(FROM_OUTSIDE, (each) => (isFrontEnd(each) ? denied(each) : PLAINTEXT_REFUSED));
const NOTHING_FROM_OUTSIDE = expectation(FROM_OUTSIDE, () => PLAINTEXT_REFUSED);

/**
 * Asks for the matrix until it is as expected, prints and saves it, and, when no sidecar serves a connection from before
 * any more, wants it once more as it is: what settled has to stay. Throws with the edges that differ.
 */
async function expectMatrix(
  title: string,
  tries: readonly Try[],
  expected: Matrix,
  ask: (tries: readonly Try[]) => Promise<Matrix> = tryAll,
): Promise<Matrix> {
  const deadline = Date.now() + SETTLING_SECONDS * 1000;
  let matrix = await ask(tries);
  while (differences(expected, matrix).length > 0 && Date.now() < deadline) matrix = await ask(tries);
  report(title, tries, matrix);
  expect(differences(expected, matrix)).toEqual([]);
  await until("no sidecar drains connections", 60, nothingDrains);
  expect(differences(expected, await ask(tries))).toEqual([]);
  return matrix;
}

/** Whether no part's sidecar holds filter chains of a former configuration, which old connections still pass through. */
async function nothingDrains(): Promise<boolean> {
  const counters = await Promise.all(
    Object.keys(PARTS).map((part) =>
      shell(
        `kubectl -n ${NAMESPACE} exec deploy/${part} -c istio-proxy -- pilot-agent request GET 'stats?filter=listener_manager.total_filter_chains_draining'`,
      ),
    ),
  );
  if (!counters.every((line) => /_draining: \d+/.test(line))) throw new Error(`no such counter: ${counters.join()}`);
  return counters.every((line) => line.includes("_draining: 0"));
}

/** The matrix, with what the dry-run policies say of each try in the access log of the called part's sidecar. */
async function tryAndRead(tries: readonly Try[]): Promise<Matrix> {
  const since = new Date();
  const matrix = await tryAll(tries);
  const decisions = await until("the access log names every try", 30, async () => {
    const read = dryRunDecisions(await accessLog(NAMESPACE, since));
    return tries.map(tryName).every((name) => name in read) && read;
  });
  return Object.fromEntries(
    Object.entries(matrix).map(([name, outcome]) => [
      name,
      decisions[name] === "allowed"
        ? outcome
        : `${outcome}, ${decisions[name] === "denied" ? "would be denied" : "not judged"}`,
    ]),
  );
}

/** Whether the called one's sidecar wrote a line. */
function isInbound({ upstream_cluster }: AccessLogLine): boolean {
  return upstream_cluster?.startsWith("inbound|") ?? false;
}

/** By the peer's SPIFFE ID, the called part and its port: what the dry-run policies said. */
function dryRunDecisions(lines: readonly AccessLogLine[]): Record<string, string | null> {
  const prefix = `spiffe://${PRINCIPALS}`;
  return Object.fromEntries(
    lines
      .filter((line) => isInbound(line) && line.peer_uri_san?.startsWith(prefix))
      .map((line) => {
        const to = line.service_account;
        const { port, targetPort } = partPort(to);
        if (Number(line.local_port) !== targetPort) throw new Error(`${to} was called on port ${line.local_port}`);
        const from = line.peer_uri_san?.slice(prefix.length) ?? "";
        return [tryName({ from, to, port }), line.dry_run_http ?? line.dry_run_tcp];
      }),
  );
}

const GATEWAY = {
  namespace: "istio-ingress",
  selector: "istio=ingress",
  id: `spiffe://${TELEPORT_CLUSTER_NAME}/ns/istio-ingress/sa/istio-ingress`,
  host: "istio-ingress.istio-ingress.svc.cluster.local",
};

/** A gateway shows its own certificate as a server only where it wants mutual TLS of the mesh: here, to be read. */
const MUTUAL_TLS_PORT = 15443;
const MUTUAL_TLS_AT_THE_GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: certificate-on-the-wire, namespace: ${GATEWAY.namespace}}
spec:
  selector: {istio: ingress}
  servers:
    - port: {number: ${MUTUAL_TLS_PORT}, name: https, protocol: HTTPS}
      hosts: ["*"]
      tls: {mode: ISTIO_MUTUAL}
`;

/** A service of the graph as `graph learn` prints it; callers sorted here. */
interface LearnedService {
  readonly callers?: readonly object[];
}

/** Sock Shop's graph by hand, in the form of mesh.applications.sock-shop.services. */
const GRAPH: Readonly<Record<string, LearnedService>> = Object.fromEntries(
  Object.entries(PARTS).map(([part, { port, targetPort, protocol }]) => [
    part,
    {
      labels: { "app.kubernetes.io/name": part },
      serviceAccount: part,
      ports: [{ port, ...(targetPort !== port && { targetPort }), protocol: protocol === "http" ? "HTTP" : "TCP" }],
      callers:
        part === "front-end"
          ? [{ anyone: true }]
          : EDGES.filter(({ to }) => to === part)
              .map(({ from }) => ({ service: from }))
              .toSorted((a, b) => (a.service < b.service ? -1 : 1)),
    },
  ]),
);

/** Uses each edge once, and the front-end from outside, and waits until the access logs have it. Returns when it began. */
async function useEdges(edges: readonly Try[]): Promise<Date> {
  // What was logged before must stay out, and kubectl's --since-time counts whole seconds.
  await sleep(1000 - (Date.now() % 1000));
  const since = new Date();
  since.setMilliseconds(0);
  const tries = [...edges, ...FROM_OUTSIDE.filter(isFrontEnd)];
  const matrix = await tryAll(tries);
  expect(
    differences(
      expectation(tries, () => undefined),
      matrix,
    ),
  ).toEqual([]);
  await until("the access log has every call", 30, async () => {
    const lines = (await accessLog(NAMESPACE, since)).filter(isInbound);
    return lines.length >= tries.length;
  });
  return since;
}

/** What `graph learn` makes of the pods' access logs: the services of Sock Shop, and the lines of what the graph denies. */
async function learn(since: Date): Promise<{ services: Record<string, LearnedService>; denied: string[] }> {
  const block = shellBlock("docs/operate/policies.md#learn")
    .replace("--namespace shop", `--set sockShop.enabled=true --namespace ${NAMESPACE}`)
    .replace("24h", since.toISOString());
  await shell(block, { cwd: USER_DIR });
  const printed = await readFile(join(USER_DIR, "learned.yaml"), "utf8");
  const values = parse(printed) as {
    mesh: { applications: Record<string, { services: Record<string, LearnedService> }> };
  };
  expect(Object.keys(values.mesh.applications)).toEqual([NAMESPACE]);
  const services = Object.entries(values.mesh.applications[NAMESPACE]?.services ?? {}).map(([name, service]) => [
    name,
    { ...service, callers: service.callers?.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) },
  ]);
  return {
    services: Object.fromEntries(services),
    denied: printed.split("\n").filter((line) => line.includes("denied by the current graph")),
  };
}

/** A way that the tour's gateway lacks, behind which a policy of the called part stands. */
const CATALOGUE_BEHIND_THE_GATEWAY = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: catalogue, namespace: ${NAMESPACE}}
spec:
  hosts: ["${GATEWAY.host}"]
  gateways: [istio-ingress/shop]
  http:
    - match: [{uri: {prefix: /catalogue}}]
      route: [{destination: {host: catalogue, port: {number: 80}}}]
    - route: [{destination: {host: front-end, port: {number: 80}}}]
`;

const TOUR = join(REPOSITORY, "docs", "start", "sock-shop-demo.md");
/** The tour's table: who asks whom, and the status code that comes back, a column a section. */
const TABLE = markdownTable(TOUR, "2. Somebody to ask");
const TABLE_COLUMNS = Object.keys(Object.values(TABLE)[0] ?? {});

/** The status codes that the tour's script prints, in the order of the table's rows. */
async function ask(): Promise<string[]> {
  const answers = (await shell("sh ask.sh", { cwd: USER_DIR })).trim().split("\n");
  return answers.map((line) => line.split(" ")[0] ?? "");
}

/** What the last block of the tour printed. */
let lastOutput = "";

/** What the dry run said that `enforce` would refuse. */
let wouldBeDenied: string[] = [];

/** What is checked behind the section of the tour that has a block with these words. */
const CHECKS: Readonly<Record<string, () => void>> = {
  "sockShop.policies=none": () => {
    it("14 parts are Ready, each with an SVID of its own on the wire", async () => {
      const issuers = await Issuers.read();
      expect(Object.keys(PARTS)).toHaveLength(14);
      for (const part of Object.keys(PARTS)) {
        const pod = await untilReady(NAMESPACE, `app.kubernetes.io/name=${part}`, 120);
        expect(await issuers.presented(address(pod), partPort(part).targetPort)).toMatchObject({
          issuer: "teleport",
          spiffeId: `spiffe://${PRINCIPALS}${part}`,
          valid: true,
        });
      }
    });

    it("every part may call every other one", () => expectMatrix("none", PAIRS, ALL_PASS));

    it("from outside the mesh the front-end answers, and no other part", () =>
      expectMatrix("none-outside", FROM_OUTSIDE, FRONT_END_FROM_OUTSIDE));
  },

  "sockShop.policies=denyAll": () => {
    it("no part may call another one", () => expectMatrix("denyAll", PAIRS, NONE_PASSES));

    it("from outside the mesh nothing answers", () =>
      expectMatrix("denyAll-outside", FROM_OUTSIDE, DENIED_FROM_OUTSIDE));
  },

  "sockShop.policies=dryRun": () => {
    it("every part may call every other one, and the access log names each edge that would be denied", async () => {
      const matrix = await expectMatrix("dryRun", PAIRS, DRY_RUN, tryAndRead);
      wouldBeDenied = Object.keys(matrix).filter((name) => matrix[name]?.endsWith("would be denied"));
    });

    it("from outside the mesh the front-end answers, and no other part", () =>
      expectMatrix("dryRun-outside", FROM_OUTSIDE, FRONT_END_FROM_OUTSIDE));

    it("graph learn marks the one call that is not in the graph", async () => {
      const [stray] = PAIRS.filter(({ from, to }) => from === "catalogue" && to === "payment");
      const since = await useEdges([...EDGES, stray as Try]);
      const { services, denied } = await learn(since);
      const payment = { ...GRAPH.payment, callers: [{ service: "catalogue" }, { service: "orders" }] };
      expect(services).toEqual({ ...GRAPH, payment });
      expect(denied).toEqual([expect.stringMatching(/service: catalogue.*denied by the current graph/)]);
    });
  },

  "sockShop.policies=enforce": () => {
    it("the edges of the graph pass and all others are refused, each as the dry run said", async () => {
      const matrix = await expectMatrix("enforce", PAIRS, EDGES_AND_FRONT_END);
      expect(notPassed(matrix)).toEqual(wouldBeDenied);
    });

    it("from outside the mesh the front-end answers, and no other part", () =>
      expectMatrix("enforce-outside", FROM_OUTSIDE, FRONT_END_FROM_OUTSIDE));

    it("the report names each part with the identity that Teleport issued it, and finds the graph's policies", async () => {
      // The graph comes from the release: no values are given. Doctor's findings are judged elsewhere.
      for (const file of ["report.html", "today.json", "changes.html"]) await rm(join(USER_DIR, file), { force: true });
      const report = (block: string) =>
        tryShell(block.replace(" report --output", " report --teleport-version 18.11.0 --output"), { cwd: USER_DIR });
      expect((await report(shellBlock("docs/operate/report.md#report"))).stderr).toBe("");
      expect(await readFile(join(USER_DIR, "report.html"), "utf8")).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
      expect((await report(shellBlock("docs/operate/report.md#save"))).stderr).toBe("");
      const text = await readFile(join(USER_DIR, "today.json"), "utf8");
      await copyFile(join(USER_DIR, "today.json"), join(USER_DIR, "last-month.json"));
      expect((await report(shellBlock("docs/operate/report.md#compare"))).stderr).toBe("");
      expect(await readFile(join(USER_DIR, "changes.html"), "utf8")).toContain("What changed");

      const { identities, policies } = JSON.parse(text) as ReportDocument;
      const parts = identities.filter(({ namespace }) => namespace === NAMESPACE);
      expect(parts.map(({ id, issuer, status, service }) => ({ id, issuer, status, service }))).toEqual(
        Object.keys(PARTS)
          .toSorted()
          .map((part) => ({
            id: `spiffe://${PRINCIPALS}${part}`,
            issuer: "teleport",
            status: "ok",
            service: `${NAMESPACE}/${part}`,
          })),
      );
      expect(policies).toMatchObject([{ application: NAMESPACE, status: "ok", missing: [] }]);
      expect(text).not.toMatch(/BEGIN |eyJ/);
    });

    it("without a certificate of the mesh MySQL's greeting is not to be seen", async () => {
      const target = `mysql://catalogue-db.${NAMESPACE}.svc.cluster.local:${partPort("catalogue-db").port}`;
      expect(await probe(OUTSIDE, [target])).toMatchObject([{ result: "timeout", greeting: false }]);
      expect(await probe("catalogue", [target])).toMatchObject([{ result: "ok", greeting: true }]);
    });

    it("each sidecar holds the callers of its own part and nobody else's", async () => {
      const callers = Object.keys(PARTS).map((part) => [
        part,
        EDGES.filter(({ to }) => to === part).map(({ from }) => `${PRINCIPALS}${from}`),
      ]);
      const filters = Object.fromEntries(
        await Promise.all(
          Object.keys(PARTS).map(async (part) => {
            const pod = await onePod(NAMESPACE, `app.kubernetes.io/name=${part}`);
            return [part, await rbacFilters(NAMESPACE, pod.metadata.name)] as const;
          }),
        ),
      );
      for (const [part, { count, bytes, longest }] of Object.entries(filters)) {
        process.stderr.write(
          `RBAC filters of ${part}: ${count} filters, ${bytes} bytes as JSON, the longest ${longest}\n`,
        );
      }
      const seen = Object.entries(filters).map(([part, { principals }]) => [part, principals]);
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(callers));
    });

    it("graph learn gives back the graph from the access log of each edge's use", async () => {
      const since = await useEdges(EDGES);
      const { services, denied } = await learn(since);
      expect(services).toEqual(GRAPH);
      expect(denied).toEqual([]);
    });

    it("istioctl analyze finds nothing", async () => {
      expect(JSON.parse(await shell(`istioctl analyze -n ${NAMESPACE} --output json`))).toEqual([]);
    });
  },

  " istio/gateway ": () => {
    it("the gateway has a certificate of its own, which the front-end sees and Teleport's CA signed", async () => {
      const gateway = await untilReady(GATEWAY.namespace, GATEWAY.selector, 90);
      const issuers = await Issuers.read();
      await shell("kubectl apply -f -", { input: MUTUAL_TLS_AT_THE_GATEWAY });
      const certificate = await until("the gateway presents its certificate", 60, () =>
        certificateOnTheWire(address(gateway), MUTUAL_TLS_PORT),
      );
      expect(issuers.identityOf(certificate)).toMatchObject({ issuer: "teleport", spiffeId: GATEWAY.id, valid: true });
      await until("the front-end answers through the gateway", 60, async () => {
        const [answer] = await probe(OUTSIDE, [`http://${GATEWAY.host}:80`]);
        return answer?.result === "ok" && answer.part === "front-end";
      });
      // The node has no name server of the cluster's.
      const ip = await shell(
        `kubectl -n ${GATEWAY.namespace} get service istio-ingress -o jsonpath='{.spec.clusterIP}'`,
      );
      const answer = (await (await fetch(`http://${ip}/`)).json()) as { part: string; clientCertificate: string };
      expect(answer.part).toBe("front-end");
      const hash = certificate.fingerprint256.replaceAll(":", "").toLowerCase();
      expect(answer.clientCertificate).toContain(`Hash=${hash}`);
      expect(answer.clientCertificate).toContain(`URI=${GATEWAY.id}`);
    });

    it("the edges of the graph pass and all others are refused: no other part may call the front-end any more", () =>
      expectMatrix("gateway", PAIRS, EDGES_ONLY));

    it("from outside the mesh nothing answers but through the gateway", () =>
      expectMatrix("gateway-outside", FROM_OUTSIDE, NOTHING_FROM_OUTSIDE));

    it("the gateway may call the front-end and no other part", async () => {
      await shell("kubectl apply -f -", { input: CATALOGUE_BEHIND_THE_GATEWAY });
      const answers = await until("the gateway knows the way to catalogue", 60, async () => {
        const lines = await probe(OUTSIDE, [`http://${GATEWAY.host}:80/catalogue`, `http://${GATEWAY.host}:80/`]);
        return lines[0]?.result !== "ok" && lines;
      });
      expect(answers).toMatchObject([{ status: 403 }, { status: 200, part: "front-end" }]);
    });
  },

  " graph learn ": () => {
    it("every call that only the modes without policies let pass is marked", () => {
      // By now each part has called each other one, and so did a visitor without a certificate the front-end.
      const marked = lastOutput.split("\n").filter((line) => line.includes("denied by the current graph"));
      expect(marked).toHaveLength(PAIRS.length - EDGES.length + 1);
      expect(parse(lastOutput).mesh.applications[NAMESPACE].services["front-end"].callers).toContainEqual({
        gateway: "shop",
      });
    });
  },
};

let repositories: ChartRepositories;

beforeAll(async () => {
  await requireInstalled();
  await leaveNothing();
  repositories = await serveRepositories();
  await addRepositories(repositories);
  await createNamespace(OUTSIDE, { meshed: false });
  await shell(
    `kubectl -n ${OUTSIDE} run outside --image=${partImage("front-end")} --image-pull-policy=Never --labels=app=outside --command -- /sock-shop serve outside http:8080`,
  );
  await untilReady(OUTSIDE, "app=outside", 60);
});

afterAll(async () => {
  await leaveNothing();
  await repositories?.close();
});

/** As before the tour, also when an earlier run ended in its middle. */
async function leaveNothing(): Promise<void> {
  await shell(`helm upgrade istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml`, { cwd: USER_DIR });
  await shell("helm uninstall istio-ingress -n istio-ingress --ignore-not-found");
  for (const namespace of [NAMESPACE, GATEWAY.namespace, "visitors", OUTSIDE]) {
    if (await namespaceExists(namespace)) await deleteNamespace(namespace);
  }
}

describe("the graph", () => {
  it("has the edges and ports that the published application has", async () => {
    const values = await loadGraphValues(systemRunner, {
      files: [join(USER_DIR, "values.yaml")],
      sets: ["sockShop.enabled=true"],
    });
    const graph = meshGraph(values);
    const services = graph.applications.flatMap((application) => application.services);
    expect(Object.fromEntries(services.map(({ name, ports }) => [name, ports]))).toEqual(
      Object.fromEntries(
        Object.entries(PARTS).map(([part, { port, targetPort, protocol }]) => [
          part,
          [{ port, targetPort, protocol: protocol === "http" ? "HTTP" : "TCP" }],
        ]),
      ),
    );
    const edges = graph.edges.flatMap(({ from, to, ports }) =>
      ports.map(({ port }) =>
        tryName({ from: from.kind === "service" ? from.service.name : from.label, to: to.name, port }),
      ),
    );
    expect(edges.toSorted()).toEqual([...EDGES.map(tryName), "anyone → front-end:80"].toSorted());
  });
});

describe("docs/start/sock-shop-demo.md, as written", () => {
  const steps = shellBlocks("docs/start/sock-shop-demo.md#tour");
  const sections = [...new Set(steps.map(({ heading }) => heading))];
  const blocksOf = (section: string) => steps.filter(({ heading }) => heading === section);

  it("has one section for each group of checks", () => {
    for (const words of Object.keys(CHECKS)) {
      const found = sections.filter((section) => blocksOf(section).some(({ script }) => script.includes(words)));
      expect(found, words).toHaveLength(1);
    }
  });

  describe.each(sections)("%s", (section) => {
    it.each(blocksOf(section).map((step, index) => [index + 1, step] as const))("block %i", async (_, step) => {
      lastOutput = await runStep(step.script, repositories);
    });

    const column = TABLE_COLUMNS.find((heading) => heading.split(":")[0] === section.split(".")[0]);
    if (column !== undefined) {
      it(`the answers are those of the table's column "${column}"`, async () => {
        const documented = Object.values(TABLE).map((row) => row[column]);
        await until(`the answers are ${documented}`, SETTLING_SECONDS, async () =>
          isDeepStrictEqual(await ask(), documented),
        );
        expect(await ask()).toEqual(documented);
      });
    }

    for (const [words, checks] of Object.entries(CHECKS)) {
      if (blocksOf(section).some(({ script }) => script.includes(words))) checks();
    }
  });
});
