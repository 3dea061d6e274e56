import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { run } from "../run.ts";
import { listen } from "./local-servers.ts";
import { integrityOf } from "./npm-dependencies.ts";

/** What `npm publish` sends, and a registry answers for a package. */
interface Packument {
  readonly name: string;
  readonly "dist-tags": Record<string, string>;
  readonly versions: Record<string, Manifest>;
}

/** A package.json in a packument. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dist?: { readonly tarball: string; readonly integrity: string; readonly shasum: string };
}

/** An npm registry on this machine. */
export interface NpmRegistry {
  readonly url: string;
  /** The archive of a version that is published. */
  readonly archive: (name: string, version: string) => Buffer;
  /** Serves another archive of a version. Only if it is admitted, the registry names its hash. */
  readonly replace: (name: string, version: string, archive: Buffer, how: { readonly isAdmitted: boolean }) => void;
  stop(): Promise<void>;
}

/**
 * Serves npm packages on loopback: those of a folder's archives, and what `npm publish` sends. Like npm's own, it takes
 * each version once. Nobody has to log in.
 *
 * @param folder archives of dependencies
 */
export async function serveNpm(folder: string): Promise<NpmRegistry> {
  const packuments = new Map<string, Packument>();
  const archives = new Map<string, Buffer>();
  const server = await listen(
    (request, response) => void answer(request, response).catch((error) => fail(response, error)),
  );

  /** Adds versions, with addresses of ours. */
  function add({ name, "dist-tags": tags, versions }: Packument, archive: Buffer): void {
    const before = packuments.get(name);
    const own = Object.entries(versions).map(([version, manifest]): [string, Manifest] => {
      const path = pathOf(name, version);
      archives.set(path, archive);
      const shasum = createHash("sha1").update(archive).digest("hex");
      return [
        version,
        { ...manifest, dist: { tarball: `${server.url}/${path}`, integrity: integrityOf(archive), shasum } },
      ];
    });
    packuments.set(name, {
      name,
      "dist-tags": { ...before?.["dist-tags"], ...tags },
      versions: { ...before?.versions, ...Object.fromEntries(own) },
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? "/", server.url).pathname.slice(1));
    if (request.method === "PUT") return publish(await textOf(request), response);
    const found = archives.get(path) ?? packuments.get(path);
    if (found === undefined) response.writeHead(404).end("{}");
    else response.end(Buffer.isBuffer(found) ? found : JSON.stringify(found));
  }

  function publish(body: string, response: ServerResponse): void {
    const sent = JSON.parse(body) as Packument & { _attachments: Record<string, { data: string }> };
    const there = packuments.get(sent.name)?.versions ?? {};
    const [attachment] = Object.values(sent._attachments);
    if (Object.keys(sent.versions).some((version) => version in there)) {
      response
        .writeHead(403)
        .end(JSON.stringify({ error: "You cannot publish over the previously published versions." }));
    } else {
      add(sent, Buffer.from(attachment?.data ?? "", "base64"));
      response.writeHead(201).end("{}");
    }
  }

  for (const name of await readdir(folder)) {
    const archive = join(folder, name);
    const manifest = JSON.parse(await run("tar", ["-xzOf", archive, "package/package.json"])) as Manifest;
    const { version } = manifest;
    add(
      { name: manifest.name, "dist-tags": { latest: version }, versions: { [version]: manifest } },
      await readFile(archive),
    );
  }
  return {
    url: server.url,
    archive: (name, version) => {
      const archive = archives.get(pathOf(name, version));
      if (archive === undefined) throw new Error(`${name} ${version} is not published`);
      return archive;
    },
    replace: (name, version, archive, { isAdmitted }) => {
      const packument = packuments.get(name);
      const manifest = packument?.versions[version];
      if (packument === undefined || manifest === undefined) throw new Error(`${name} ${version} is not published`);
      if (isAdmitted) add({ ...packument, versions: { [version]: manifest } }, archive);
      else archives.set(pathOf(name, version), archive);
    },
    stop: server.stop,
  };
}

/** The end of an archive's URL. */
function pathOf(name: string, version: string): string {
  return `${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function fail(response: ServerResponse, error: unknown): void {
  response.writeHead(500).end(JSON.stringify({ error: (error as Error).message }));
}
