import { parseAllDocuments } from "yaml";
import { ExitError } from "../../base/exit-error.ts";
import { isRecord, recordAt, textAt, textsAt } from "../../base/json-value.ts";

/** A join token as Teleport stores it, reduced to what decides who may join as which bot. Unset fields are empty. */
export interface StoredToken {
  name: string;
  roles: string[];
  botName: string;
  joinMethod: string;
  /** Teleport's default, in_cluster, when the document says none (Teleport api/types/provisioning.go). */
  type: string;
  issuer: string;
  /** The text of the JWKS; Teleport parses it at a join only. */
  jwks: string;
  /** Each rule: NAMESPACE:NAME, or the rule as JSON where it is written in another way (patterns, since 18.8). */
  allow: string[];
  /** RFC 3339; empty for a token that stays valid. */
  expires: string;
}

/**
 * Finds the join token `name` in what `tctl get token/NAME` prints (a JSON list, or YAML), in a document of gen-token,
 * or in a TeleportProvisionToken.
 *
 * @param source how the sentences call the input: "the file token.json", "standard input"
 * @throws ExitError (refused) when the input holds no such token
 */
export function readStoredToken(text: string, source: string, name: string): StoredToken {
  const tokens = storedTokens(text, source);
  const token = tokens.find((candidate) => candidate.name === name);
  if (token === undefined) {
    const found =
      tokens.length === 0 ? "no join token" : `not it but ${tokens.map((t) => JSON.stringify(t.name)).join(", ")}`;
    throw new ExitError(
      `The join token ${JSON.stringify(name)} is wanted, and ${source} holds ${found}; give it what \`tctl get token/${name} --format json\` prints, or name the token with --token-name.`,
    );
  }
  return token;
}

/**
 * All join tokens of a text, in its order; documents of other kinds are left out.
 *
 * @throws ExitError (refused) when the text is neither JSON nor YAML
 */
export function storedTokens(text: string, source: string): StoredToken[] {
  const documents = parseAllDocuments(text);
  const values = documents.flatMap((document) => {
    const line = document.errors[0]?.linePos?.[0].line;
    if (document.errors[0] !== undefined) {
      throw new ExitError(
        `What ${source} holds is neither JSON nor YAML${line === undefined ? "" : ` (line ${line})`}; give it what \`tctl get\` prints.`,
      );
    }
    return [document.toJS() as unknown].flat();
  });
  return tokensAmong(values);
}

/** The join tokens among documents, in their order. */
export function tokensAmong(documents: readonly unknown[]): StoredToken[] {
  return documents.filter(isRecord).filter(isToken).map(storedToken);
}

function isToken({ kind }: Record<string, unknown>): boolean {
  return kind === "token" || kind === "TeleportProvisionToken";
}

function storedToken(document: Record<string, unknown>): StoredToken {
  const metadata = recordAt(document, "metadata");
  const spec = recordAt(document, "spec");
  const kubernetes = recordAt(spec, "kubernetes");
  const allow = Array.isArray(kubernetes.allow) ? (kubernetes.allow as unknown[]) : [];
  return {
    name: textAt(metadata, "name"),
    roles: textsAt(spec, "roles"),
    botName: textAt(spec, "bot_name"),
    joinMethod: textAt(spec, "join_method"),
    type: textAt(kubernetes, "type") || "in_cluster",
    issuer: textAt(recordAt(kubernetes, "oidc"), "issuer"),
    jwks: textAt(recordAt(kubernetes, "static_jwks"), "jwks"),
    allow: allow.map(ruleText),
    // Go's zero time is what some encoders write for "never".
    expires: textAt(metadata, "expires").replace(/^0001-.*/, ""),
  };
}

function ruleText(rule: unknown): string {
  if (isRecord(rule) && Object.keys(rule).length === 1 && typeof rule.service_account === "string") {
    return rule.service_account;
  }
  return JSON.stringify(rule);
}
