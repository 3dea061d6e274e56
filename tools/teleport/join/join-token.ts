import type { Values } from "../../values/types.ts";
import { type DocumentForm, documentText } from "../document-form.ts";
import { teleportNames } from "../names.ts";
import { type PublicJwk, serializeJwks } from "./jwks.ts";

/** How Teleport checks tbot's ServiceAccount token: Teleport api/types/provisioning.go, spec.kubernetes.type. */
export type JoinMeans =
  | { type: "static_jwks"; keys: readonly PublicJwk[] }
  | { type: "oidc"; issuer: string }
  | { type: "in_cluster" };

/** What a join token says. */
export interface JoinToken {
  tokenName: string;
  botName: string;
  /** Kubernetes ServiceAccounts that may join, each as NAMESPACE:NAME. */
  serviceAccounts: readonly string[];
  means: JoinMeans;
}

/**
 * The join token that the values ask for.
 *
 * @param keys the cluster's keys, for the type static_jwks; the other types need none
 */
export function joinToken({ global, tbot }: Pick<Values, "global" | "tbot">, keys: readonly PublicJwk[]): JoinToken {
  const { join } = global.teleport;
  const names = teleportNames({ global });
  return {
    tokenName: names.joinToken,
    botName: names.bot,
    serviceAccounts: [`${tbot.namespace.name}:${tbot.serviceAccount.name}`],
    means: joinMeans(join.type, { keys, issuer: join.issuer }),
  };
}

/** What belongs to a type of join: keys, an issuer, or nothing. */
export function joinMeans(
  type: JoinMeans["type"],
  { keys, issuer }: { keys: readonly PublicJwk[]; issuer: string },
): JoinMeans {
  if (type === "static_jwks") return { type, keys };
  return type === "oidc" ? { type, issuer } : { type };
}

/**
 * The join token as a document that is complete, checked by the strict schema and ends with a line break.
 *
 * @throws ExitError (refused) when a name or a ServiceAccount is not one that Teleport and Kubernetes take
 */
export function tokenDocument(token: JoinToken, form: DocumentForm): string {
  const { tokenName, botName, serviceAccounts, means } = token;
  const model = {
    tokenName,
    botName,
    serviceAccounts,
    type: means.type,
    jwks: means.type === "static_jwks" ? serializeJwks(means.keys) : "",
    issuer: means.type === "oidc" ? means.issuer : "",
  };
  return documentText("token", model, form);
}
