/**
 * The attributes that Teleport's templates and rules know and that have one value (string, number or boolean); Teleport
 * docs, workload identity reference, "attributes". An unknown one fails the issuance for every workload, and nothing
 * says so before: Teleport lib/auth/machineid/workloadidentityv1/decision.go. `user.bot_instance_id` is left out: it may be
 * named and is never set.
 */
export const WORKLOAD_ATTRIBUTES: readonly string[] = [
  "join.kubernetes.pod.name",
  "join.kubernetes.service_account.name",
  "join.kubernetes.service_account.namespace",
  "join.kubernetes.subject",
  "join.meta.join_method",
  "join.meta.join_token_name",
  "user.bot_name",
  "user.is_bot",
  "user.name",
  "workload.kubernetes.attested",
  "workload.kubernetes.container.image",
  "workload.kubernetes.container.image_digest",
  "workload.kubernetes.container.name",
  "workload.kubernetes.namespace",
  "workload.kubernetes.pod_name",
  "workload.kubernetes.pod_uid",
  "workload.kubernetes.service_account",
  "workload.unix.attested",
  "workload.unix.binary_hash",
  "workload.unix.binary_path",
  "workload.unix.gid",
  "workload.unix.pid",
  "workload.unix.uid",
];

/** Not in templates, which want text: "expression did not evaluate to a string" (Teleport .../expression/template.go). */
const UNSIGNED = ["workload.unix.gid", "workload.unix.uid"];

/** What Teleport replaces: {{ ... }} without braces inside (Teleport .../workloadidentityv1/expression/template.go). */
const INTERPOLATION = /\{\{([^{}]*)\}\}/g;

/** Whether each {{ }} of `text` holds exactly one known attribute, and no brace stands outside of one. */
export function isTemplateOfAttributes(text: string): boolean {
  const expressions = [...text.matchAll(INTERPOLATION)].map(([, expression]) => (expression ?? "").trim());
  return (
    expressions.every((expression) => WORKLOAD_ATTRIBUTES.includes(expression) && !UNSIGNED.includes(expression)) &&
    !/[{}]/.test(text.replace(INTERPOLATION, ""))
  );
}

/** `text` with `value` in place of each {{ }}. */
export function fillTemplate(text: string, value: string): string {
  return text.replace(INTERPOLATION, () => value);
}
