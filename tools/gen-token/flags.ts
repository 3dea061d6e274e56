import type { DocumentForm } from "../teleport/document-form.ts";
import type { ValuesFlags } from "../values/flags.ts";

/** What the flags of gen-token parse to; a flag that was not given is absent. */
export interface GenTokenFlags extends ValuesFlags {
  context?: string;
  kubeconfig?: string;
  jwksFile?: string;
  extraJwks: string[];
  clusterName?: string;
  tokenName?: string;
  botName?: string;
  serviceAccount: string[];
  type?: "static_jwks" | "oidc" | "in_cluster";
  issuer?: string;
  format: DocumentForm;
  output?: string;
  force?: true;
  verify?: true;
  verifyAs?: string;
  check?: string;
  checkKeyIds?: string;
}
