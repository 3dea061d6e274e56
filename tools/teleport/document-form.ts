import { parse } from "yaml";
import { terraformResource } from "./hcl.ts";
import { checkTeleportDocument } from "./schemas.ts";
import { renderTemplate, type TemplateName } from "./template.ts";

/**
 * `yaml` and `json` for `tctl create -f`; `operator` for `kubectl apply` where Teleport's operator runs; `terraform` for
 * Teleport's Terraform provider.
 */
export type DocumentForm = "yaml" | "json" | "operator" | "terraform";

/**
 * One resource of Teleport in a form, complete, checked by the strict schema; ends with a line break. All forms come from
 * one template, and those with comments have its comments.
 *
 * @throws ExitError (refused) when it is not a resource that is safe and that Teleport takes
 */
export function documentText(
  template: TemplateName,
  model: Readonly<Record<string, unknown>>,
  form: DocumentForm,
): string {
  const yaml = renderTemplate(template, { ...model, operator: form === "operator" });
  const document: unknown = parse(yaml);
  checkTeleportDocument(document);
  if (form === "json") return `${JSON.stringify(document, null, 2)}\n`;
  if (form !== "terraform") return yaml;
  const comment = /^(#.*\n)*/.exec(yaml)?.[0] ?? "";
  return `${comment}${terraformResource(document as Parameters<typeof terraformResource>[0])}`;
}

/** Documents of a form as one text, which its reader takes as a whole. */
export function joinDocuments(texts: readonly string[], form: DocumentForm): string {
  const separator = { yaml: "---\n", operator: "---\n", json: "", terraform: "\n" };
  return texts.join(separator[form]);
}
