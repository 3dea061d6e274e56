import { expect, test } from "vitest";
import type { Mesh } from "../../../tools/conformance/stage/mesh.ts";
import { namespaceObject, stageObjects } from "../../../tools/conformance/stage/objects.ts";

const MESH: Mesh = {
  revisions: [],
  revision: "default",
  trustDomain: "example.com",
  scope: { kind: "mesh" },
  socketVolume: { path: "/run/spire/sockets" },
  istioCni: false,
  admission: true,
  openShift: false,
};

const SETTING = { namespace: "n", images: { client: "c", server: "s" }, nodes: { names: ["a"], total: 1 } };

interface Pod {
  kind: string;
  spec: { containers: { securityContext: Record<string, unknown> }[]; volumes: object[]; hostNetwork?: boolean };
}

function pods(mesh: Mesh): Pod[] {
  const { items } = stageObjects({ ...SETTING, mesh }) as { items: Pod[] };
  return items.filter(({ kind }) => kind === "Pod");
}

function level(mesh: Mesh): string | undefined {
  const { metadata } = namespaceObject({ namespace: "n", mesh }) as { metadata: { labels: Record<string, string> } };
  return metadata.labels["pod-security.kubernetes.io/enforce"];
}

test("every pod is such as Pod Security asks for at the level restricted", () => {
  const contexts = pods(MESH).flatMap(({ spec }) => spec.containers.map(({ securityContext }) => securityContext));
  expect(contexts.length).toBeGreaterThan(4);
  for (const context of contexts) {
    expect(context).toEqual({
      runAsNonRoot: true,
      runAsUser: 65532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  }
  expect(pods(MESH).flatMap(({ spec }) => spec.volumes)).toEqual([]);
});

test("on OpenShift no user is asked for, since it gives each namespace its own", () => {
  const contexts = pods({ ...MESH, openShift: true }).flatMap(({ spec }) =>
    spec.containers.map(({ securityContext }) => securityContext),
  );
  for (const context of contexts) expect(context).not.toHaveProperty("runAsUser");
});

test.each([
  ["hostPath", { path: "/run/spire/sockets" }, true, "privileged"],
  ["csi, with istio-init", { driver: "csi.spiffe.io" }, false, "privileged"],
  ["csi, with istio-cni", { driver: "csi.spiffe.io" }, true, "restricted"],
])("the namespace enforces the level that the socket mode allows: %s", (_, socketVolume, istioCni, expected) => {
  expect(level({ ...MESH, socketVolume, istioCni })).toBe(expected);
});
