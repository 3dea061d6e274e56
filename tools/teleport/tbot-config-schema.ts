import { goDurationSeconds } from "../base/durations.ts";
import { exactObject, type StringForm } from "../base/schema-check.ts";

/** Names that tbot's internal services have: Teleport lib/tbot/config/naming.go. */
const RESERVED_NAMES = ["ca-rotation", "crl-cache", "heartbeat", "identity", "spiffe-trust-bundle-cache"];

/** The forms of strings in tbot.yaml. */
export const FORMS: Readonly<Record<string, StringForm>> = {
  "host-port": {
    accepts: (text) => {
      const port = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([1-9]\d{0,4})$/.exec(text)?.[1];
      return port !== undefined && Number(port) <= 65535;
    },
    hint: "write it as host:port, without a scheme",
  },
  duration: {
    accepts: (text) => (goDurationSeconds(text) ?? 0) > 0,
    hint: 'write a Go duration such as "20m" or "1h30m"',
  },
  // Teleport lib/tbot/internal/listener.go: a URL without a scheme counts as tcp, and TCP callers are not attested.
  "socket-url": {
    accepts: (text) => /^unix:\/\/(?:\/[A-Za-z0-9._-]+)+$/.test(text),
    hint: "write unix:// and an absolute path, such as unix:///run/spire/sockets/socket",
  },
  "service-name": {
    accepts: (text) => /^[a-z0-9_+-]+$/.test(text) && !RESERVED_NAMES.includes(text),
    hint: `use lower-case letters, digits, -, _ and +, and none of tbot's own names (${RESERVED_NAMES.join(", ")})`,
  },
  "absolute-path": { accepts: (text) => text.startsWith("/"), hint: "write an absolute path" },
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

/** The strict schema of tbot.yaml, compiled into compiled-tbot-config-schema.ts by `npm run gen-schema`. */
export const TBOT_CONFIG_SCHEMA = exactObject(
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
);

function labelsSchema(): Record<string, unknown> {
  return { type: "object", minProperties: 1, additionalProperties: { type: "array", minItems: 1, items: TEXT } };
}
