import { join } from "node:path";
import type { LabPaths } from "../machine/paths.ts";
import { step } from "../machine/progress.ts";
import { loggedCommand, tryCommand } from "../machine/shell.ts";

/** What the lab needs of the distribution: runtime, CNI plugins, kubelet's and kube-proxy's helpers, image making, probes. */
const PACKAGES = [
  "runc",
  "containernetworking-plugins",
  "iptables",
  "nftables",
  "conntrack",
  "socat",
  "debootstrap",
  "debian-archive-keyring",
  "iproute2",
  "openssl",
  "util-linux",
  "curl",
  "python3-pip",
];

/** Installs with apt-get what is missing. Throws an ExitError with the end of apt-get's log if that fails. */
export async function installPackages(paths: LabPaths): Promise<void> {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  await step(`installing Debian packages: ${missing.join(" ")}`, 15, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await loggedCommand(["apt-get", "update"], join(paths.log, "apt-update.log"), { env });
    await loggedCommand(
      ["apt-get", "install", "--yes", "--no-install-recommends", ...missing],
      join(paths.log, "apt-install.log"),
      {
        env,
      },
    );
  });
}

async function missingPackages(): Promise<string[]> {
  const query = await tryCommand([
    "dpkg-query",
    "--show",
    `--showformat=\${Package} \${db:Status-Status}\n`,
    ...PACKAGES,
  ]);
  const installed = new Set(
    query.stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return PACKAGES.filter((name) => !installed.has(name));
}
