import { page } from "../../base/documentation.ts";

/** Where a check is explained: symptom, cause, fix. That page has one section a check. */
export function documentation(id: string): string {
  return page(`docs/operate/troubleshooting.md#${id}`);
}
