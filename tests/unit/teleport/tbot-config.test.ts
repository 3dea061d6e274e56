import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { checkTbotConfig } from "../../../tools/teleport/tbot-config.ts";
import { refusal } from "../support/refusal.ts";

// biome-ignore lint/suspicious/noExplicitAny: the tests damage the file at any place
type Loose = any;

const config = (): Loose => ({
  version: "v2",
  proxy_server: "teleport.example:443",
  onboarding: { join_method: "kubernetes", token: "istio-tbot-k8s-join" },
  storage: { type: "memory" },
  diag_addr: "0.0.0.0:3001",
  services: [
    {
      type: "workload-identity-api",
      listen: "unix:///run/spire/sockets/socket",
      selector: { name: "istio-workloads" },
      credential_ttl: "1h",
      renewal_interval: "20m",
      attestors: { kubernetes: { enabled: true, kubelet: { secure_port: 10250, skip_verify: false } } },
    },
  ],
});

const listen = (url: string) => (c: Loose) => {
  c.services[0].listen = url;
};
const life = (ttl?: string, interval?: string) => (c: Loose) => {
  c.services[0].credential_ttl = ttl;
  c.services[0].renewal_interval = interval;
};

describe("checkTbotConfig", () => {
  it("takes a whole file", () => {
    expect(() => checkTbotConfig(stringify(config()))).not.toThrow();
  });

  it.each<[string, (c: Loose) => void]>([
    [
      "the highest port",
      (c) => {
        c.proxy_server = "a:65535";
      },
    ],
    [
      "only the kubelet's read-only port",
      (c) => {
        c.services[0].attestors.kubernetes.kubelet = { read_only_port: 10255 };
      },
    ],
    [
      "labels as selector",
      (c) => {
        c.services[0].selector = { labels: { env: ["dev"] } };
      },
    ],
    ["no lifetimes", life()],
    ["336h", life("336h", "20m")],
    ["equal lifetimes", life("20m", "20m")],
    [
      "lifetimes of tbot's own",
      (c) => {
        c.credential_ttl = "24h";
        c.renewal_interval = "20m";
      },
    ],
    [
      "a name",
      (c) => {
        c.services[0].name = "spiffe_api+1-x";
      },
    ],
    [
      "IPv6",
      (c) => {
        c.proxy_server = "[::1]:443";
      },
    ],
    [
      "the limit of the hashed binary",
      (c) => {
        c.services[0].attestors.unix = { binary_hash_max_size_bytes: -1 };
      },
    ],
    [
      "debug",
      (c) => {
        c.debug = true;
      },
    ],
  ])("takes %s", (_, change) => {
    const changed = config();
    change(changed);
    expect(() => checkTbotConfig(stringify(changed))).not.toThrow();
  });

  it.each<[string, (c: Loose) => void, string]>([
    [
      "an Auth Service with a scheme",
      (c) => {
        delete c.proxy_server;
        c.auth_server = "https://a:3025";
      },
      "auth_server is",
    ],
    [
      "a port alone",
      (c) => {
        c.diag_addr = ":3001";
      },
      'diag_addr is ":3001"; write it as host:port',
    ],
    [
      "labels that name none",
      (c) => {
        c.services[0].selector = { labels: {} };
      },
      "services[0].selector.labels is empty",
    ],
    [
      "the typo of Teleport's docs",
      (c) => {
        c.services[0].attestor = c.services[0].attestors;
        delete c.services[0].attestors;
      },
      "services[0].attestor is not allowed there; did you mean services[0].attestors",
    ],
    [
      "a key beside",
      (c) => {
        c.services[0].attestor = {};
      },
      "services[0].attestor is not allowed there; did you mean services[0].attestors",
    ],
    [
      "an unknown key",
      (c) => {
        c.proxyserver = "a:1";
      },
      "proxyserver is not allowed there; did you mean proxy_server",
    ],
    [
      "a deprecated key",
      (c) => {
        c.outputs = [];
      },
      "outputs is not allowed there; remove it",
    ],
    [
      "a proxy that is not verified",
      (c) => {
        c.insecure = true;
      },
      "insecure is not allowed there",
    ],
    [
      "v1",
      (c) => {
        c.version = "v1";
      },
      'version is "v1"; it must be "v2"',
    ],
    [
      "no version",
      (c) => {
        delete c.version;
      },
      "version is missing",
    ],
    [
      "no proxy",
      (c) => {
        delete c.proxy_server;
      },
      "exactly one of proxy_server and auth_server must be set",
    ],
    [
      "proxy and auth",
      (c) => {
        c.auth_server = "a:3025";
      },
      "exactly one of proxy_server and auth_server must be set",
    ],
    [
      "a proxy with a scheme",
      (c) => {
        c.proxy_server = "https://a:443";
      },
      'proxy_server is "https://a:443"; write it as host:port',
    ],
    [
      "a proxy without port",
      (c) => {
        c.proxy_server = "a";
      },
      "write it as host:port",
    ],
    [
      "a port above 65535",
      (c) => {
        c.proxy_server = "a:65536";
      },
      "write it as host:port",
    ],
    [
      "another join method",
      (c) => {
        c.onboarding.join_method = "token";
      },
      'onboarding.join_method is "token"; it must be "kubernetes"',
    ],
    [
      "an empty token",
      (c) => {
        c.onboarding.token = "";
      },
      "onboarding.token is empty",
    ],
    [
      "a token path that old versions ignore",
      (c) => {
        c.onboarding.kubernetes = { token_path: "/t" };
      },
      "onboarding.kubernetes is not allowed there",
    ],
    [
      "storage on disk",
      (c) => {
        c.storage = { type: "directory", path: "/x" };
      },
      "storage.path is not allowed there",
    ],
    [
      "no service",
      (c) => {
        c.services = [];
      },
      "services is empty",
    ],
    [
      "the old service",
      (c) => {
        c.services[0].type = "spiffe-workload-api";
      },
      'services[0].type is "spiffe-workload-api"; it must be "workload-identity-api"',
    ],
    [
      "TCP",
      listen("tcp://127.0.0.1:4000"),
      'services[0].listen is "tcp://127.0.0.1:4000"; write unix:// and an absolute path',
    ],
    ["no scheme", listen("/run/socket"), "write unix:// and an absolute path"],
    ["a relative path", listen("unix://run/socket"), "write unix:// and an absolute path"],
    ["a path that ends with a slash", listen("unix:///run/"), "write unix:// and an absolute path"],
    [
      "a selector without a name",
      (c) => {
        c.services[0].selector = {};
      },
      "services[0].selector has neither name and labels; give exactly one",
    ],
    [
      "a selector with both",
      (c) => {
        c.services[0].selector.labels = { env: ["dev"] };
      },
      "services[0].selector has both name and labels",
    ],
    [
      "a label without values",
      (c) => {
        c.services[0].selector = { labels: { env: [] } };
      },
      "services[0].selector.labels.env is empty",
    ],
    [
      "a label that is no list",
      (c) => {
        c.services[0].selector = { labels: { env: "dev" } };
      },
      "it must be of type array",
    ],
    [
      "attestation off",
      (c) => {
        c.services[0].attestors.kubernetes.enabled = false;
      },
      "services[0].attestors.kubernetes.enabled is false; it must be true",
    ],
    [
      "two ports of the kubelet",
      (c) => {
        c.services[0].attestors.kubernetes.kubelet.read_only_port = 10255;
      },
      "has both secure_port and read_only_port",
    ],
    [
      "a port as text",
      (c) => {
        c.services[0].attestors.kubernetes.kubelet.secure_port = "10250";
      },
      "it must be of type integer",
    ],
    [
      "port 0",
      (c) => {
        c.services[0].attestors.kubernetes.kubelet.secure_port = 0;
      },
      "it must be >= 1",
    ],
    [
      "a relative path of a CA",
      (c) => {
        c.services[0].attestors.kubernetes.kubelet.ca_path = "ca.crt";
      },
      "write an absolute path",
    ],
    [
      "a misspelt key of the kubelet",
      (c) => {
        c.services[0].attestors.kubernetes.kubelet.skipVerify = true;
      },
      "did you mean services[0].attestors.kubernetes.kubelet.skip_verify",
    ],
    [
      "a life without interval",
      life("1h"),
      "services[0].credential_ttl is set and services[0].renewal_interval is not; set both or neither",
    ],
    [
      "an interval without life",
      life(undefined, "1h"),
      "services[0].renewal_interval is set and services[0].credential_ttl is not",
    ],
    [
      "a life shorter than the interval",
      life("20m", "1h"),
      "services[0].credential_ttl is 20m, shorter than services[0].renewal_interval (1h); raise it",
    ],
    ["more than 336h", life("337h", "1h"), "services[0].credential_ttl is 337h; at most 336h are possible"],
    [
      "more than 24h for tbot itself",
      (c) => {
        c.credential_ttl = "25h";
        c.renewal_interval = "1h";
      },
      "credential_ttl is 25h; at most 24h are possible",
    ],
    ["days", life("1d", "1h"), 'services[0].credential_ttl is "1d"; write a Go duration'],
    [
      "seconds as a number",
      (c) => {
        c.services[0].credential_ttl = 3600;
      },
      "it must be of type string",
    ],
    ["a life of 0", life("0s", "0s"), "write a Go duration"],
    [
      "a name in capitals",
      (c) => {
        c.services[0].name = "Api";
      },
      'services[0].name is "Api"; use lower-case letters',
    ],
    [
      "a name of tbot's own",
      (c) => {
        c.services[0].name = "heartbeat";
      },
      "none of tbot's own names",
    ],
    [
      "one name twice",
      (c) => {
        c.services[0].name = "a";
        c.services.push(structuredClone(c.services[0]));
      },
      'two services have the name "a"',
    ],
  ])("refuses %s", async (_, damage, sentence) => {
    const damaged = config();
    damage(damaged);
    const message = await refusal(() => checkTbotConfig(stringify(damaged)));
    expect(message).toMatch(/^tbot\.yaml: /);
    expect(message).toContain(sentence);
  });

  it.each([
    ["a duplicated key", "version: v2\nversion: v2\n", "Map keys must be unique at line 2, column 1; correct the YAML"],
    ["text that is no YAML", "version: [", "correct the YAML"],
    ["an empty file", "", "null; it must be of type object"],
  ])("refuses %s", async (_, text, sentence) => {
    expect(await refusal(() => checkTbotConfig(text))).toContain(sentence);
  });
});
