import { Option } from "commander";
import type { DocumentForm } from "../teleport/document-form.ts";

// Not from teleport/, which loads the schemas: --help stays fast.
const FORMS: DocumentForm[] = ["yaml", "json", "operator", "terraform"];

/** `--format`: for whom a resource of Teleport is written. */
export function teleportFormat(): Option {
  return new Option(
    "--format <format>",
    "yaml or json for tctl, operator for objects of Teleport's Kubernetes operator, terraform for its provider",
  )
    .choices(FORMS)
    .default("yaml");
}
