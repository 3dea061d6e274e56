import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "../../../tools/base/documentation.ts";
import { run } from "../run.ts";
import { madeFolder } from "./folders.ts";
import { listen } from "./local-servers.ts";

/** Who issues identities of workflows. */
const ISSUER = "https://token.actions.githubusercontent.com";

/** The workflow that releases, as its certificate names it. */
export function releaseWorkflow(version: string): string {
  return `${REPOSITORY}/.github/workflows/release.yml@refs/tags/v${version}`;
}

/** What plays Sigstore's certificate authority (Fulcio) here. It has no transparency log. */
export interface CertificateAuthority {
  /** Arguments of `cosign sign` and `sign-blob`, with which cosign gets a certificate of this identity. */
  readonly signAs: (identity: string) => readonly string[];
  /** Arguments of `cosign verify` and `verify-blob` beside those that a user types: which authority to trust, and that there is no log. */
  readonly trust: readonly string[];
  stop(): Promise<void>;
}

/**
 * Serves a certificate authority on loopback that cosign signs with as it does in the release's workflow, without a key of
 * its own: it believes whatever identity it is told. Needs openssl.
 */
export async function serveCertificates(temp: string, cosign: string): Promise<CertificateAuthority> {
  const folder = await madeFolder(temp, "certificates");
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const ca = [
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "keyUsage=critical,keyCertSign",
    "extendedKeyUsage=codeSigning",
  ];
  await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key");
  const subject = ["-subj", "/O=istio-teleport rehearsal", "-days", "1"];
  await openssl(
    "req",
    "-x509",
    "-new",
    "-key",
    "ca.key",
    ...subject,
    "-out",
    "ca.pem",
    ...ca.flatMap((each) => ["-addext", each]),
  );

  let issued = 0;
  async function certificate(publicKey: string, identity: string): Promise<string> {
    const name = String(++issued);
    await writeFile(file(`${name}.pub`), publicKey);
    await writeFile(file(`${name}.ext`), extensions(identity));
    const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "1", "-extfile", `${name}.ext`];
    return openssl("x509", "-new", "-force_pubkey", `${name}.pub`, "-subj", "/", ...authority);
  }

  const server = await listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      const { publicKeyRequest } = JSON.parse(Buffer.concat(chunks).toString()) as {
        publicKeyRequest: { publicKey: { content: string } };
      };
      const leaf = await certificate(
        publicKeyRequest.publicKey.content,
        identityOf(request.headers.authorization ?? ""),
      );
      const chain = { certificates: [leaf, await openssl("x509", "-in", "ca.pem")] };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ signedCertificateEmbeddedSct: { chain } }));
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
  const fulcio = `url=${server.url},api-version=1,start-time=2024-01-01T00:00:00Z,operator=rehearsal`;
  await run(cosign, ["signing-config", "create", "--fulcio", fulcio, "--out", file("signing.json")]);
  const trusted = `url=${server.url},certificate-chain=${file("ca.pem")}`;
  await run(cosign, ["trusted-root", "create", "--fulcio", trusted, "--out", file("trusted.json")]);
  const trust = ["--trusted-root", file("trusted.json")];
  return {
    signAs: (identity) => ["--identity-token", tokenOf(identity), "--signing-config", file("signing.json"), ...trust],
    trust: [...trust, "--insecure-ignore-tlog", "--insecure-ignore-sct"],
    stop: server.stop,
  };
}

/** What Sigstore's authority writes of a workflow: its address, and who says so (1.3.6.1.4.1.57264.1.8). */
function extensions(identity: string): string {
  return [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=codeSigning",
    `subjectAltName=critical,URI:${identity}`,
    `1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${ISSUER}`,
    "",
  ].join("\n");
}

/** A token as GitHub gives it to a workflow, as far as cosign reads it; nobody signed it. */
function tokenOf(identity: string): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: "sigstore", sub: identity, iat: now, exp: now + 3600 };
  return [part({ alg: "RS256", kid: "rehearsal" }), part(claims), part({})].join(".");
}

/** The identity in a request's token. */
function identityOf(authorization: string): string {
  const [, claims = ""] = authorization.split(".");
  return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { sub: string }).sub;
}
