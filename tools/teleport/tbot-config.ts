import { parseDocument } from "yaml";
import { goDurationSeconds } from "../base/durations.ts";
import { ExitError } from "../base/exit-error.ts";
import { exactObject, type StringForm, schemaCheck } from "../base/schema-check.ts";

/** Longest life of tbot's own identity and of a workload's X.509 SVID, in seconds: Teleport lib/tbot/config. */
const MAX_BOT_TTL = 24 * 3600;
const MAX_SVID_TTL = 336 * 3600;

/** Names that tbot's internal services have: Teleport lib/tbot/config/naming.go. */
const RESERVED_NAMES = ["ca-rotation", "crl-cache", "heartbeat", "identity", "spiffe-trust-bundle-cache"];

const FORMS: Readonly<Record<string, StringForm>> = {
  "host-port": {
    accepts: (text) => {
      const port = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([1-9]\d{0,4})$/.exec(text)?.[1];
      return port !== undefined && Number(port) <= 65535;
    },
    mend: "write it as host:port, without a scheme",
  },
  duration: {
    accepts: (text) => (goDurationSeconds(text) ?? 0) > 0,
    mend: 'write a Go duration such as "20m" or "1h30m"',
  },
  // Teleport lib/tbot/internal/listener.go: a URL without a scheme counts as tcp, and TCP callers are not attested.
  "socket-url": {
    accepts: (text) => /^unix:\/\/(?:\/[A-Za-z0-9._-]+)+$/.test(text),
    mend: "write unix:// and an absolute path, such as unix:///run/spire/sockets/socket",
  },
  "service-name": {
    accepts: (text) => /^[a-z0-9_+-]+$/.test(text) && !RESERVED_NAMES.includes(text),
    mend: `use lower-case letters, digits, -, _ and +, and none of tbot's own names (${RESERVED_NAMES.join(", ")})`,
  },
  "absolute-path": { accepts: (text) => text.startsWith("/"), mend: "write an absolute path" },
};

const TEXT = { type: "string", minLength: 1 };
const BOOLEAN = { type: "boolean" };
const PORT = { type: "integer", minimum: 1, maximum: 65535 };
const PATH = { type: "string", format: "absolute-path" };
const DURATION = { type: "string", format: "duration" };

const KUBELET = exactObject(
  {},
  {
    secure_port: PORT,
    read_only_port: PORT,
    token_path: PATH,
    ca_path: PATH,
    skip_verify: BOOLEAN,
    anonymous: BOOLEAN,
  },
);

const SERVICE = exactObject(
  {
    type: { const: "workload-identity-api" },
    listen: { type: "string", format: "socket-url" },
    selector: exactObject({}, { name: TEXT, labels: labelsSchema() }),
    // Without the Kubernetes attestor no workload has the attributes that its SPIFFE ID is made of.
    attestors: exactObject(
      { kubernetes: exactObject({ enabled: { const: true } }, { kubelet: KUBELET }) },
      { unix: exactObject({}, { binary_hash_max_size_bytes: { type: "integer", minimum: -1 } }) },
    ),
  },
  { name: { type: "string", format: "service-name" }, credential_ttl: DURATION, renewal_interval: DURATION },
);

const checkShape = schemaCheck(
  exactObject(
    {
      version: { const: "v2" },
      onboarding: exactObject({ join_method: { const: "kubernetes" }, token: TEXT }),
      storage: exactObject({ type: { const: "memory" } }),
      services: { type: "array", minItems: 1, items: SERVICE },
    },
    {
      proxy_server: { type: "string", format: "host-port" },
      auth_server: { type: "string", format: "host-port" },
      diag_addr: { type: "string", format: "host-port" },
      debug: BOOLEAN,
      credential_ttl: DURATION,
      renewal_interval: DURATION,
    },
  ),
  FORMS,
);

/** The parts of tbot.yaml that stand in relation to each other. */
interface TbotConfig extends Lifetime {
  proxy_server?: string;
  auth_server?: string;
  services: (Lifetime & {
    name?: string;
    listen: string;
    selector: { name?: string; labels?: unknown };
    attestors: { kubernetes: { kubelet?: { secure_port?: number; read_only_port?: number } } };
  })[];
}

interface Lifetime {
  credential_ttl?: string;
  renewal_interval?: string;
}

/**
 * Checks tbot's configuration file. tbot ignores keys that it does not know, so that `attestor` in place of `attestors`
 * turns attestation off without a word (Teleport lib/tbot/config/config.go: UnmarshalYAML drops KnownFields); here they
 * are refused, as is what tbot would refuse or what no workload could use.
 *
 * @throws ExitError (refused) with one sentence: the path of the value and the mend
 */
export function checkTbotConfig(yamlText: string): void {
  const document = parseDocument(yamlText);
  const [error] = document.errors;
  if (error !== undefined) {
    throw new ExitError(`tbot.yaml: ${error.message.split("\n")[0]?.replace(/:$/, "")}; correct the YAML.`);
  }
  const config: unknown = document.toJS();
  checkShape(config, "tbot.yaml");
  const problem = relationProblem(config as TbotConfig);
  if (problem !== undefined) throw new ExitError(`tbot.yaml: ${problem}.`);
}

function relationProblem(config: TbotConfig): string | undefined {
  const { proxy_server: proxy, auth_server: auth, services } = config;
  if ((proxy === undefined) === (auth === undefined)) {
    return "exactly one of proxy_server and auth_server must be set; set proxy_server";
  }
  const names = services.flatMap(({ name }) => name ?? []);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `two services have the name ${JSON.stringify(twice)}; give each its own`;
  return lifetimeProblem(config, "", MAX_BOT_TTL) ?? services.map(serviceProblem).find((problem) => problem);
}

function serviceProblem(service: TbotConfig["services"][number], index: number): string | undefined {
  const path = `services[${index}].`;
  const { selector, attestors } = service;
  if ((selector.name === undefined) === (selector.labels === undefined)) {
    return `${path}selector has ${selector.name === undefined ? "neither" : "both"} name and labels; give exactly one of them`;
  }
  const { secure_port: secure, read_only_port: readOnly } = attestors.kubernetes.kubelet ?? {};
  if (secure !== undefined && readOnly !== undefined) {
    return `${path}attestors.kubernetes.kubelet has both secure_port and read_only_port; give one of them`;
  }
  return lifetimeProblem(service, path, MAX_SVID_TTL);
}

/** Teleport lib/tbot/bot/lifetime: both or neither, and a certificate must outlive its renewal interval. */
function lifetimeProblem(lifetime: Lifetime, path: string, maximum: number): string | undefined {
  const { credential_ttl: ttl, renewal_interval: interval } = lifetime;
  if (ttl === undefined && interval === undefined) return undefined;
  if (ttl === undefined || interval === undefined) {
    const [given, missing] =
      ttl === undefined ? ["renewal_interval", "credential_ttl"] : ["credential_ttl", "renewal_interval"];
    return `${path}${given} is set and ${path}${missing} is not; set both or neither`;
  }
  const life = goDurationSeconds(ttl) ?? 0;
  if (life > maximum) return `${path}credential_ttl is ${ttl}; at most ${maximum / 3600}h are possible`;
  if (life < (goDurationSeconds(interval) ?? 0)) {
    return `${path}credential_ttl is ${ttl}, shorter than ${path}renewal_interval (${interval}); raise it`;
  }
  return undefined;
}

function labelsSchema(): Record<string, unknown> {
  return { type: "object", minProperties: 1, additionalProperties: { type: "array", minItems: 1, items: TEXT } };
}
