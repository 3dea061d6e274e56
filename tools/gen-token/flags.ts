import type { DocumentForm } from "../teleport/document-form.ts";

/** What the flags of gen-token parse to; a flag that was not given is absent. */
export interface GenTokenFlags {
  values: string[];
  set: string[];
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
}
