import { ExitError } from "../base/exit-error.ts";
import { schemaCheck } from "../base/schema-check.ts";
import * as compiled from "./compiled-schemas.ts";
import { FORMS, OPERATOR_KINDS } from "./document-schemas.ts";
import { readTokenJwks } from "./join/jwks.ts";

const CHECKS: Readonly<Record<string, (value: unknown, what: string) => void>> = {
  token: schemaCheck(compiled.token, FORMS),
  role: schemaCheck(compiled.role, FORMS),
  bot: schemaCheck(compiled.bot, FORMS),
  workload_identity: schemaCheck(compiled.workloadIdentity, FORMS),
};

const checkOperatorObject = schemaCheck(compiled.operatorObject, FORMS);

/**
 * Checks one Teleport resource (token v2, role v7, bot v1, workload_identity v1, or an object of its operator
 * for one of them) more strictly than Teleport does when it is created: a JWKS, template syntax, a trailing
 * slash, DNS names and unknown keys would otherwise fail at the join, at issuance, or never. Sources: Teleport
 * api/types/provisioning.go, lib/services/workload_identity.go, lib/auth/machineid/machineidv1/bot_service.go.
 *
 * @throws ExitError (refused) with one sentence: kind and name, path of the value, the fix
 */
export function checkTeleportDocument(document: unknown): void {
  const { apiVersion, kind, metadata } = asRecord(document);
  const name = asRecord(metadata).name;
  const what = `Teleport's ${String(kind)}${typeof name === "string" ? ` ${JSON.stringify(name)}` : ""}`;
  if (apiVersion !== undefined) {
    const known = Object.hasOwn(OPERATOR_KINDS, String(kind)) ? OPERATOR_KINDS[String(kind)] : undefined;
    if (known === undefined) {
      throw new ExitError(
        `${what} is not an object of this toolchain; it makes ${Object.keys(OPERATOR_KINDS).join(", ")}.`,
      );
    }
    if (apiVersion !== known.apiVersion) {
      throw new ExitError(`${what}: apiVersion is ${JSON.stringify(apiVersion)}; it must be "${known.apiVersion}".`);
    }
    checkOperatorObject(document, what);
    const { kind: forTctl, version } = known;
    checkForTctl({ kind: forTctl, version, metadata, spec: asRecord(document).spec }, what);
  } else {
    checkForTctl(asRecord(document), what);
  }
}

function checkForTctl(document: Record<string, unknown>, what: string): void {
  const { kind } = document;
  const check = typeof kind === "string" && Object.hasOwn(CHECKS, kind) ? CHECKS[kind] : undefined;
  if (check === undefined) {
    throw new ExitError(`${what} is not a resource of this toolchain; it makes ${Object.keys(CHECKS).join(", ")}.`);
  }
  check(document, what);
  if (kind === "token") checkJoinType(document, what);
}

/** The block of each join type stands with its own type only: Teleport api/types/provisioning.go. */
function checkJoinType(document: unknown, what: string): void {
  const kubernetes = asRecord(asRecord(asRecord(document).spec).kubernetes);
  for (const block of ["static_jwks", "oidc"]) {
    const path = `spec.kubernetes.${block}`;
    if (kubernetes.type === block && !(block in kubernetes)) {
      throw new ExitError(`${what}: ${path} is missing; the join type ${block} needs it.`);
    }
    if (kubernetes.type !== block && block in kubernetes) {
      throw new ExitError(
        `${what}: ${path} does not belong to the join type ${String(kubernetes.type)}; remove one of them.`,
      );
    }
  }
  const jwks = asRecord(kubernetes.static_jwks).jwks;
  if (typeof jwks === "string") readTokenJwks(Buffer.from(jwks), `${what}, spec.kubernetes.static_jwks.jwks`);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
