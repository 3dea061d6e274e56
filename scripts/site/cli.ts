/**
 * `npm run site`: builds the documentation site from docs/ into out/site. CONTRIBUTING.md says which flag is for what.
 */
import { Command } from "commander";
import { ExitError } from "../../tools/base/exit-error.ts";
import { runMain } from "../../tools/terminal/run-command.ts";
import { say } from "../../tools/terminal/say.ts";
import { helmOnPath } from "../pinned-helm.ts";
import { buildSite, SITE } from "./build.ts";
import { checkExternalLinks } from "./external-links.ts";
import { serveDocs } from "./serve.ts";

interface Flags {
  dev?: true;
  preview?: true;
  checkLinks?: true;
}

const command = new Command("site")
  .description("build the documentation site into out/site; any warning and any dead link within it is a failure")
  .option("--dev", "serve the site while docs/ is written")
  .option("--preview", "build, then serve what was built")
  .option("--check-links", "build, then ask other hosts whether the site's links to them still lead somewhere")
  .addHelpText(
    "after",
    `
Exit codes:
  0   done; with --check-links: each link was answered
  1   the build has a warning or a dead link; with --check-links: another host says that a page is not there
  2   with --check-links: no page is known to be gone, and a host could not be asked
  70  a bug`,
  )
  .action(async ({ dev, preview, checkLinks }: Flags) => {
    if ([dev, preview, checkLinks].filter(Boolean).length > 1) {
      throw new ExitError("Give one of --dev, --preview and --check-links.");
    }
    await helmOnPath();
    if (dev) return await serveDocs("dev");
    await buildSite();
    say(`built ${SITE}`);
    if (preview) return await serveDocs("preview");
    if (checkLinks) await checkExternalLinks(SITE);
  });

await runMain(command, process.argv);
