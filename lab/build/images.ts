import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { CONTAINERD_SOCKET } from "../cluster/addresses.ts";
import { PAUSE_IMAGE } from "../cluster/cluster-config.ts";
import { insideLab } from "../machine/namespaces.ts";
import type { LabPaths } from "../machine/paths.ts";
import { command } from "../machine/shell.ts";
import { userFolder } from "../machine/user-folder.ts";
import { componentDir } from "./components.ts";
import { type ImageSettings, imageDocuments, layerName } from "./image-archive.ts";
import {
  CONTAINERD_RECIPE,
  componentFolder,
  ENVOY_RECIPE,
  HELM4_RECIPE,
  HTTPBIN_RECIPE,
  type IstioRecipes,
  NODE_DRIVER_REGISTRAR_RECIPE,
  PAUSE_RECIPE,
  type Recipe,
  ROOTFS_RECIPE,
  SOCK_SHOP_STAND_IN_RECIPE,
  SPIFFE_CSI_RECIPE,
  VEGETA_RECIPE,
} from "./recipes.ts";
import { hasOwnTeleport, teleportProgram } from "./teleport.ts";
import { istioRecipes, kubernetesRecipe } from "./versions.ts";

/** An image of the lab: files out of components, on nothing or on the Debian root file system. */
interface Image {
  readonly reference: string;
  readonly onRootfs: boolean;
  /** Absolute path in the image → file of a component, or another file or folder by its path; all are root's, mode 0755. */
  readonly files: Readonly<Record<string, { readonly recipe: Recipe; readonly file: string } | string>>;
  readonly settings: ImageSettings;
}

const PATH_VARIABLE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Istio's own uid and gid for its proxy and control plane. */
const ISTIO_USER = "1337:1337";
const NOBODY = "65532:65532";
const ROOT = "0:0";

/**
 * What each part of the published Sock Shop speaks, and on which port of its container. Written down here, not read from
 * the chart's graph: an image is as it is, and a chart that takes it for something else must fail in the lab.
 */
const SOCK_SHOP_PORTS: Readonly<Record<string, string>> = {
  "front-end": "http:8079",
  catalogue: "http:80",
  "catalogue-db": "mysql:3306",
  carts: "http:80",
  "carts-db": "mongo:27017",
  orders: "http:80",
  "orders-db": "mongo:27017",
  payment: "http:80",
  "queue-master": "http:80",
  rabbitmq: "amqp:5672",
  "session-db": "redis:6379",
  shipping: "http:80",
  user: "http:80",
  "user-db": "mongo:27017",
};

/** Where tbot's image has the CA that signed the Teleport proxy's certificate. */
const TRUSTED_ROOTS = "/etc/ssl/certs/lab-web-ca.crt";

/**
 * Nothing but tbot, as in Teleport's distroless image: the chart may rely on no shell. A tbot of a release needs the C library,
 * as that image has it. Its system trusts the lab's web CA.
 */
function tbotImage(paths: LabPaths): Image {
  return {
    reference: "lab.local/tbot:lab",
    onRootfs: hasOwnTeleport(paths),
    files: {
      "/usr/local/bin/tbot": teleportProgram(paths, "tbot"),
      [TRUSTED_ROOTS]: join(paths.pki, "web-ca.crt"),
    },
    settings: {
      Entrypoint: ["/usr/local/bin/tbot"],
      User: ROOT,
      Env: [PATH_VARIABLE, `SSL_CERT_FILE=${TRUSTED_ROOTS}`],
    },
  };
}

/** What the chart's value watch.image names in the lab. */
export const TOOLS_IMAGE = "lab.local/istio-teleport:lab";

/**
 * The tools' image: what the repository's Dockerfile puts together, which needs a Docker engine. Both are compared by
 * tests/unit/lab/build/tools-image.test.ts.
 */
export function toolsImage(paths: LabPaths): Image {
  return {
    reference: TOOLS_IMAGE,
    onRootfs: true,
    files: {
      "/nodejs/bin/node": process.execPath,
      "/usr/local/bin/kubectl": { recipe: kubernetesRecipe(paths), file: "kubectl" },
      "/usr/local/bin/helm": { recipe: HELM4_RECIPE, file: "helm" },
      "/app/node_modules": join(userFolder(paths), "node_modules"),
    },
    settings: {
      Entrypoint: ["/nodejs/bin/node", "/app/node_modules/istio-teleport/bin/istio-teleport.js"],
      User: NOBODY,
      Env: ["PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin"],
      WorkingDir: "/app",
    },
  };
}

/** Imports the tools' image, of the package that is installed in the user's folder, unless it is there already. */
export async function importToolsImage(paths: LabPaths): Promise<void> {
  const image = toolsImage(paths);
  if (importedImages(paths)[image.reference] !== imageKey(image)) await importImages(paths, [image]);
}

/** Every image of the lab but the tools'; none can be pulled from anywhere. */
export function images(paths: LabPaths): readonly Image[] {
  return [tbotImage(paths), ...istioImages(istioRecipes(paths)), ...COMPONENT_IMAGES];
}

const COMPONENT_IMAGES: readonly Image[] = [
  {
    reference: PAUSE_IMAGE,
    onRootfs: false,
    files: { "/pause": { recipe: PAUSE_RECIPE, file: "pause" } },
    settings: { Entrypoint: ["/pause"], User: NOBODY },
  },
  {
    reference: "lab.local/go-httpbin:lab",
    onRootfs: false,
    files: { "/bin/go-httpbin": { recipe: HTTPBIN_RECIPE, file: "go-httpbin" } },
    settings: { Entrypoint: ["/bin/go-httpbin"], User: NOBODY, Env: [PATH_VARIABLE] },
  },
  ...Object.entries(SOCK_SHOP_PORTS).map(([part, port]) => ({
    reference: `lab.local/sock-shop/${part}:lab`,
    onRootfs: false,
    files: { "/sock-shop": { recipe: SOCK_SHOP_STAND_IN_RECIPE, file: "sock-shop" } },
    // Root, as several of the published images: who they run as is for the chart to say.
    settings: { Entrypoint: ["/sock-shop", "serve", part, port], User: ROOT },
  })),
  {
    reference: "lab.local/client:lab",
    onRootfs: true,
    files: { "/usr/local/bin/vegeta": { recipe: VEGETA_RECIPE, file: "vegeta" } },
    settings: { Entrypoint: ["/bin/sleep", "infinity"], User: NOBODY, Env: [PATH_VARIABLE] },
  },
  {
    reference: "lab.local/spiffe-csi-driver:lab",
    onRootfs: false,
    files: { "/spiffe-csi-driver": { recipe: SPIFFE_CSI_RECIPE, file: "spiffe-csi-driver" } },
    settings: { Entrypoint: ["/spiffe-csi-driver"], User: ROOT },
  },
  {
    reference: "lab.local/csi-node-driver-registrar:lab",
    onRootfs: false,
    files: {
      "/csi-node-driver-registrar": { recipe: NODE_DRIVER_REGISTRAR_RECIPE, file: "csi-node-driver-registrar" },
    },
    settings: { Entrypoint: ["/csi-node-driver-registrar"], User: ROOT },
  },
];

function istioImages({ istio, cni }: IstioRecipes): readonly Image[] {
  return [
    {
      reference: "lab.local/istio/pilot:lab",
      onRootfs: true,
      files: { "/usr/local/bin/pilot-discovery": { recipe: istio, file: "pilot-discovery" } },
      settings: { Entrypoint: ["/usr/local/bin/pilot-discovery"], User: ISTIO_USER, Env: [PATH_VARIABLE] },
    },
    {
      reference: "lab.local/istio/proxyv2:lab",
      onRootfs: true,
      files: {
        "/usr/local/bin/pilot-agent": { recipe: istio, file: "pilot-agent" },
        "/usr/local/bin/envoy": { recipe: ENVOY_RECIPE, file: "envoy" },
        "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json": { recipe: istio, file: "envoy_bootstrap.json" },
      },
      settings: {
        Entrypoint: ["/usr/local/bin/pilot-agent"],
        User: ISTIO_USER,
        Env: [PATH_VARIABLE, `ISTIO_META_ISTIO_PROXY_SHA=envoy-${ENVOY_RECIPE.version}`],
        WorkingDir: "/",
      },
    },
    {
      reference: "lab.local/istio/install-cni:lab",
      onRootfs: true,
      files: {
        "/opt/cni/bin/istio-cni": { recipe: cni, file: "istio-cni" },
        "/usr/local/bin/install-cni": { recipe: cni, file: "install-cni" },
      },
      settings: {
        Entrypoint: ["/usr/local/bin/install-cni"],
        User: ROOT,
        Env: [PATH_VARIABLE],
        WorkingDir: "/opt/cni/bin",
      },
    },
  ];
}

/** The images whose content, as made from today's components, isn't in containerd yet. */
export function outdatedImages(paths: LabPaths): Image[] {
  const imported = importedImages(paths);
  return images(paths).filter((image) => imported[image.reference] !== imageKey(image));
}

/** Makes the images' archives, where they don't exist, and imports them into containerd's namespace for Kubernetes. */
export async function importImages(paths: LabPaths, images: readonly Image[]): Promise<void> {
  mkdirSync(paths.images, { recursive: true });
  const ctr = join(componentDir(paths, CONTAINERD_RECIPE), "ctr");
  for (const image of images) {
    const archive = archiveFile(paths, image);
    if (!existsSync(archive)) await makeArchive(paths, image, archive);
    await command(
      insideLab(paths, [ctr, `--address=${CONTAINERD_SOCKET}`, "--namespace=k8s.io", "images", "import", archive]),
    );
    const imported = { ...importedImages(paths), [image.reference]: imageKey(image) };
    writeFileSync(importRecord(paths), JSON.stringify(imported));
  }
  removeSupersededArchives(paths);
}

async function makeArchive(paths: LabPaths, image: Image, archive: string): Promise<void> {
  const staging = mkdtempSync(join(paths.images, ".making-"));
  try {
    const own = await makeLayer(paths, image, staging);
    const tars = image.onRootfs ? [join(componentDir(paths, ROOTFS_RECIPE), "layer.tar"), own] : [own];
    const hashes = tars.map((tar) => createHash("sha256").update(readFileSync(tar)).digest("hex"));
    const members: string[] = [];
    for (const { name, text } of imageDocuments(image.reference, hashes, image.settings)) {
      writeFileSync(join(staging, name), text);
      members.push(name);
    }
    for (const [index, hash] of hashes.entries()) {
      symlinkSync(tars[index] as string, join(staging, layerName(hash)));
      members.push(layerName(hash));
    }
    const complete = join(staging, "image.tar");
    await command([...deterministicTar(complete), "--dereference", "-C", staging, ...members]);
    renameSync(complete, archive);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function makeLayer(paths: LabPaths, image: Image, staging: string): Promise<string> {
  const root = join(staging, "root");
  for (const [target, source] of Object.entries(image.files)) {
    const copy = join(root, target);
    mkdirSync(dirname(copy), { recursive: true, mode: 0o755 });
    const from = typeof source === "string" ? source : join(componentDir(paths, source.recipe), source.file);
    if (statSync(from).isDirectory()) cpSync(from, copy, { recursive: true, verbatimSymlinks: true });
    else copyFileSync(from, copy);
  }
  await command(["chmod", "-R", "0755", root]);
  const tar = join(staging, "own-layer.tar");
  await command([...deterministicTar(tar), "-C", root, "."]);
  return tar;
}

function deterministicTar(file: string): string[] {
  return ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-cf", file];
}

/** SHA-256 (hex) over all that decides an image's content. `status` asks for it before `up` has made every file. */
function imageKey(image: Image): string {
  const files = Object.entries(image.files).map(([target, source]) =>
    typeof source === "string"
      ? [target, existsSync(source) && contentHash(source)]
      : [target, componentFolder(source.recipe), source.file],
  );
  const rootfs = image.onRootfs ? componentFolder(ROOTFS_RECIPE) : "";
  return createHash("sha256")
    .update(JSON.stringify([image.reference, image.settings, rootfs, files]))
    .digest("hex");
}

/** SHA-256 (hex) of a file, or of the paths and contents of all files below a folder. */
function contentHash(path: string): string {
  const hash = createHash("sha256");
  if (!statSync(path).isDirectory()) return hash.update(readFileSync(path)).digest("hex");
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of entries.map((entry) => join(entry.parentPath, entry.name)).toSorted()) {
    const content = readFileSync(file);
    hash.update(JSON.stringify([file, content.length])).update(content);
  }
  return hash.digest("hex");
}

function archiveFile(paths: LabPaths, image: Image): string {
  const name = image.reference.replace("lab.local/", "").replace(":lab", "").replaceAll("/", "-");
  return join(paths.images, `${name}-${imageKey(image).slice(0, 8)}.tar`);
}

/** Reference → key of what was imported last. It is stored next to containerd's content and wiped with it. */
function importedImages(paths: LabPaths): Readonly<Record<string, string>> {
  return existsSync(importRecord(paths)) ? JSON.parse(readFileSync(importRecord(paths), "utf8")) : {};
}

function importRecord(paths: LabPaths): string {
  return join(paths.state, "imported-images.json");
}

function removeSupersededArchives(paths: LabPaths): void {
  const current = new Set(images(paths).map((image) => archiveFile(paths, image)));
  for (const name of readdirSync(paths.images)) {
    if (!current.has(join(paths.images, name))) rmSync(join(paths.images, name), { recursive: true });
  }
}
