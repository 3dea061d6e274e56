/**
 * `npm run extract-kubernetes-types -- DIR`: writes kubernetes-types.json, the types of the Kubernetes API that values of
 * the chart have, as JSON Schema. DIR is api/openapi-spec/v3 of Kubernetes' sources, for example of the Go module
 * k8s.io/kubernetes (`go mod download -json k8s.io/kubernetes@v1.37.2` prints where it lies). Run it when a newer
 * Kubernetes has fields that a value needs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonSchema } from "./values-comments.ts";

/** Types that values.yaml names, by their file in DIR. */
const ROOTS: Record<string, string[]> = {
  "api__v1_openapi.json": [
    "Affinity",
    "EnvVar",
    "HostAlias",
    "PodDNSConfig",
    "PodSecurityContext",
    "Probe",
    "ResourceRequirements",
    "SecurityContext",
    "Toleration",
    "Volume",
    "VolumeMount",
  ],
  "apis__apps__v1_openapi.json": ["DaemonSetUpdateStrategy"],
  "apis__networking.k8s.io__v1_openapi.json": ["NetworkPolicyEgressRule", "NetworkPolicyPeer"],
};

/** The published specification leaves these out; from the types' descriptions. */
const ENUMS: Record<string, string[]> = {
  "DaemonSetUpdateStrategy.type": ["OnDelete", "RollingUpdate"],
  "LabelSelectorRequirement.operator": ["DoesNotExist", "Exists", "In", "NotIn"],
  "NetworkPolicyPort.protocol": ["SCTP", "TCP", "UDP"],
  "NodeSelectorRequirement.operator": ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"],
  "PodSecurityContext.fsGroupChangePolicy": ["Always", "OnRootMismatch"],
  "PodSecurityContext.supplementalGroupsPolicy": ["Merge", "Strict"],
  "SeccompProfile.type": ["Localhost", "RuntimeDefault", "Unconfined"],
  "AppArmorProfile.type": ["Localhost", "RuntimeDefault", "Unconfined"],
  "SecurityContext.procMount": ["Default", "Unmasked"],
  "Toleration.effect": ["NoExecute", "NoSchedule", "PreferNoSchedule"],
  "Toleration.operator": ["Equal", "Exists", "Gt", "Lt"],
  "VolumeMount.mountPropagation": ["Bidirectional", "HostToContainer", "None"],
  "VolumeMount.recursiveReadOnly": ["Disabled", "Enabled", "IfPossible"],
  "HostPathVolumeSource.type": [
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
  ],
};

/** Left out: what the chart sets itself, volumes of drivers that Kubernetes replaced with CSI, and Windows. */
const OMITTED: Record<string, string[]> = {
  PodSecurityContext: ["windowsOptions"],
  Probe: ["exec", "grpc", "httpGet", "successThreshold", "tcpSocket", "terminationGracePeriodSeconds"],
  SecurityContext: ["windowsOptions"],
  Volume: [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "iscsi",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
  ],
};

const NULL = { type: "null" };
/** k8s.io/apimachinery/pkg/api/resource: what Quantity's UnmarshalJSON takes. */
const QUANTITY = {
  type: ["string", "number"],
  pattern: "^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
};

function extract(directory: string): Record<string, JsonSchema> {
  const found: Record<string, JsonSchema> = {};
  for (const [file, roots] of Object.entries(ROOTS)) {
    const { components } = JSON.parse(readFileSync(join(directory, file), "utf8"));
    const byName = new Map<string, JsonSchema>(
      Object.entries(components.schemas as Record<string, JsonSchema>).map(([id, schema]) => [lastPart(id), schema]),
    );
    const left = [...roots];
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (found[name] !== undefined) continue;
      const schema = objectType(name, byName.get(name) ?? {});
      found[name] = schema;
      left.push(...referred(schema));
    }
  }
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** An object that takes no key but its own. Optional ones may be null, as the API server takes them. */
function objectType(name: string, { properties = {}, required = [] }: JsonSchema): JsonSchema {
  const kept = Object.entries(properties as Record<string, JsonSchema>).filter(
    ([key]) => !OMITTED[name]?.includes(key),
  );
  const typed = kept.map(([key, schema]) => {
    const values = ENUMS[`${name}.${key}`];
    const own = values === undefined ? typeOf(schema) : { enum: values };
    return [key, (required as string[]).includes(key) ? own : optional(own)];
  });
  return {
    type: "object",
    ...((required as string[]).length > 0 && { required }),
    properties: Object.fromEntries(typed),
    additionalProperties: false,
  };
}

function optional(schema: JsonSchema): JsonSchema {
  if (schema.enum !== undefined) return { enum: [...(schema.enum as string[]), null] };
  if (schema.type === undefined) return { anyOf: [schema, NULL] };
  return { ...schema, type: [schema.type, "null"].flat() };
}

function typeOf(schema: JsonSchema): JsonSchema {
  const { $ref, allOf, type, items, additionalProperties, format } = schema;
  if (Array.isArray(allOf)) return typeOf(allOf[0]);
  if (typeof $ref === "string") {
    const name = lastPart($ref);
    if (name === "Quantity") return QUANTITY;
    if (name === "IntOrString") return { type: ["integer", "string"] };
    return { $ref: `#/definitions/Kubernetes.${name}` };
  }
  if (format === "int-or-string") return { type: ["integer", "string"] };
  return {
    type,
    ...(items !== undefined && { items: typeOf(items as JsonSchema) }),
    ...(additionalProperties !== undefined && { additionalProperties: typeOf(additionalProperties as JsonSchema) }),
  };
}

function referred(schema: JsonSchema): string[] {
  return [...JSON.stringify(schema).matchAll(/"#\/definitions\/Kubernetes\.(\w+)"/g)].map(([, name]) => name as string);
}

/** "io.k8s.api.core.v1.Toleration" → "Toleration" */
function lastPart(id: string): string {
  return id.split(".").at(-1) as string;
}

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("name the directory api/openapi-spec/v3 of Kubernetes' sources");
const target = new URL("kubernetes-types.json", import.meta.url);
writeFileSync(target, `${JSON.stringify(extract(directory), null, 2)}\n`);
