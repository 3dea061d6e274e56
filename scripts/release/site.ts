import { cp } from "node:fs/promises";
import { join } from "node:path";
import { buildSite, SITE } from "../site/build.ts";
import { FOLDERS, type Release } from "./release.ts";

/** Builds the documentation site of this version. */
export async function packSite({ folder }: Release): Promise<void> {
  await buildSite();
  await cp(SITE, join(folder, FOLDERS.site), { recursive: true });
}
