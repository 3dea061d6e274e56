import { packageVersion } from "./package-files.ts";

/** Where the project lives. package.json and chart/Chart.yaml name the same, which tests/unit/package.test.ts holds them to. */
export const REPOSITORY = "https://github.com/istio-teleport/istio-teleport";

/**
 * URL of a page of the documentation, in the version that runs: messages reach people who have no checkout.
 *
 * @param path below the repository's root, with an anchor if one section is meant: `docs/operate/csi.md#the-move`
 */
export function page(path: `docs/${string}.md${"" | `#${string}`}`): string {
  return `${REPOSITORY}/blob/v${packageVersion()}/${path}`;
}
