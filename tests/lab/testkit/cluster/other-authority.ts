import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell } from "./shell.ts";

/** A server's certificate and key and the CA that signed it, as files. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/**
 * Makes a CA that nobody in the lab trusts, and a server's certificate of it.
 *
 * @param server name of the files
 * @param names as openssl writes them: "DNS:a.example", "IP:10.0.0.1"
 */
export async function certificateOfAnotherCa(server: string, names: readonly string[]): Promise<ServerCertificate> {
  const folder = join(labPaths().state, "other-ca");
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => join(folder, name);
  const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  if (!existsSync(file("ca.crt")))
    await shell(
      `openssl req -x509 ${newKey} -days 30 -subj /CN=another-ca -keyout ca.key -out ca.crt \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign`,
      { cwd: folder },
    );
  writeFileSync(
    file(`${server}.ext`),
    `basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=${names.join(",")}\n`,
  );
  await shell(
    `openssl req ${newKey} -subj /CN=${server} -keyout ${server}.key -out ${server}.csr &&
     openssl x509 -req -in ${server}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile ${server}.ext -out ${server}.crt`,
    { cwd: folder },
  );
  return { certificate: file(`${server}.crt`), key: file(`${server}.key`), authority: file("ca.crt") };
}
