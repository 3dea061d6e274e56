import { parseDocument } from "yaml";
import { goDurationSeconds } from "../base/durations.ts";
import { ExitError } from "../base/exit-error.ts";
import { schemaCheck } from "../base/schema-check.ts";
import { tbotConfig } from "./compiled-tbot-config-schema.ts";
import { FORMS } from "./tbot-config-schema.ts";

/** Longest life of tbot's own identity and of a workload's X.509 SVID, in seconds: Teleport lib/tbot/config. */
const MAX_BOT_TTL = 24 * 3600;
const MAX_SVID_TTL = 336 * 3600;

const checkShape = schemaCheck(tbotConfig, FORMS);

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
 * @throws ExitError (refused) with one sentence: the path of the value and the fix
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
