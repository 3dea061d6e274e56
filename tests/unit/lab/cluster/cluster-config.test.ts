import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { NODE_IP, TELEPORT_HOST } from "../../../../lab/cluster/addresses.ts";
import { clusterConfig } from "../../../../lab/cluster/cluster-config.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";

const config = clusterConfig(labPaths({ LAB_CACHE_DIR: "/cache" }));

describe("clusterConfig", () => {
  it("lets kubelet serve with a certificate of the cluster's CA, so that tbot can verify it", () => {
    expect(parse(config["kubelet.yaml"] ?? "")).toMatchObject({
      tlsCertFile: "/cache/state/pki/kubelet-server.crt",
      tlsPrivateKeyFile: "/cache/state/pki/kubelet-server.key",
    });
  });

  it("lets kubelet ask the API server about every caller, and has no port without authentication", () => {
    expect(parse(config["kubelet.yaml"] ?? "")).toMatchObject({
      authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
      authorization: { mode: "Webhook" },
      readOnlyPort: 0,
    });
  });

  it("lets nobody anonymous read more than health: not the JWKS either", () => {
    expect(parse(config["authentication.yaml"] ?? "").anonymous).toEqual({
      enabled: true,
      conditions: [{ path: "/livez" }, { path: "/readyz" }, { path: "/healthz" }],
    });
  });

  it("opens no port below 1024 to pods without root unless they ask for it", () => {
    expect(config["containerd.toml"]).toContain("enable_unprivileged_ports = false");
  });

  it("keeps containerd, CNI addresses and logs out of the machine's own directories", () => {
    expect(config["containerd.toml"]).toContain('root = "/cache/state/containerd"');
    expect(config["containerd.toml"]).toContain('conf_dir = "/cache/state/config/cni"');
    expect(parse(config["kubelet.yaml"] ?? "").podLogsDir).toBe("/cache/state/log/pods");
  });

  it("gives the Teleport double a name in a server block before the one that answers NXDOMAIN", () => {
    const corefile = config.Corefile ?? "";
    expect(corefile).toContain(`${NODE_IP} ${TELEPORT_HOST}`);
    expect(corefile.indexOf(`${TELEPORT_HOST}:53 {`)).toBeLessThan(corefile.indexOf("\n.:53 {"));
    const blocks = corefile.split(/^}$/m);
    for (const block of blocks) expect(block.includes("template") && block.includes("hosts")).toBe(false);
  });

  it("gives labs of different folders different names, since namespaces and cgroups belong to the whole machine", () => {
    const name = (env: NodeJS.ProcessEnv) => labPaths(env).name;
    expect(name({ XDG_CACHE_HOME: "/home/a/.cache" })).toBe("istio-teleport-lab");
    expect(name({ XDG_CACHE_HOME: "/c", LAB_CACHE_DIR: "/c/istio-teleport/lab" })).toBe("istio-teleport-lab");
    expect(name({ LAB_CACHE_DIR: "/cache" })).toMatch(/^istio-teleport-lab-[0-9a-f]{6}$/);
    expect(name({ LAB_CACHE_DIR: "/cache" })).not.toBe(name({ LAB_CACHE_DIR: "/cache2" }));
  });

  it("configures Teleport as a real one reads it: text where YAML 1.1 has booleans, one address with TLS routing", () => {
    expect(config["teleport.yaml"]).toContain('enabled: "yes"');
    expect(parse(config["teleport.yaml"] ?? "")).toMatchObject({
      version: "v3",
      auth_service: { cluster_name: "lab.teleport.example", proxy_listener_mode: "multiplex" },
      proxy_service: {
        public_addr: `${TELEPORT_HOST}:3080`,
        https_keypairs: [{ cert_file: "/cache/state/pki/teleport-proxy.crt" }],
      },
    });
  });

  it("is valid JSON where CNI wants it", () => {
    expect(JSON.parse(config["cni/10-lab.conflist"] ?? "")).toMatchObject({ cniVersion: "1.0.0" });
  });
});
