import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { teleportDocuments } from "../../tools/teleport/documents.ts";
import { joinToken } from "../../tools/teleport/join/join-token.ts";
import { teleportNames } from "../../tools/teleport/names.ts";
import type { Values } from "../../tools/values/types.ts";
import { type Outcome, outcomesOf } from "../support/render-many.ts";
import { renderObjects, scenarioInputs, scenarioManifests, scenarioValues } from "../support/scenarios.ts";
import { renderNotes } from "./support/notes.ts";

/** One of several clusters of a Teleport: its names, and that chart and tools mean the same ones. */

/** What tbot.yaml names in Teleport. */
function namedByTbot(config: string): { token: string; workloadIdentity: string } {
  const { onboarding, services } = parse(config);
  return { token: onboarding.token, workloadIdentity: services[0].selector.name };
}

/** What Teleport gets, by kind. */
const documents = (values: Values) =>
  Object.fromEntries(teleportDocuments(values).map(({ kind, text }) => [kind, parse(text)]));

describe("the names in tbot.yaml, by the chart's rule, are those of the documents, by the tools' rule", () => {
  const base = { clusterName: "a.example", proxyAddr: "a.example:443" };
  const ROWS: [string, object][] = [
    ["without a cluster", base],
    ["with a cluster", { ...base, cluster: "prod" }],
    [
      "with a cluster and other names",
      { ...base, cluster: "eu-1", join: { tokenName: "t" }, workloadIdentity: { name: "w" }, bot: { name: "b" } },
    ],
    [
      "where the name has the suffix already",
      { ...base, cluster: "dev", join: { tokenName: "join-dev" }, workloadIdentity: { name: "ids-dev" } },
    ],
    [
      "as long as may be",
      {
        ...base,
        cluster: "c".repeat(20),
        join: { tokenName: "t".repeat(42) },
        workloadIdentity: { name: "w".repeat(42) },
      },
    ],
  ];
  const outcomeOf = outcomesOf(ROWS, ([, teleport]) => ({ layers: [{ global: { teleport } }] }));

  test.each(ROWS.map((row) => [row[0], row] as const))("%s", async (_, row) => {
    const { values, problems, documents: rendered } = (await outcomeOf(row)) as Outcome & { values: Values };
    expect(problems).toEqual([]);
    const { data } = parse(rendered.get("charts/tbot/templates/configmap.yaml") as string);
    const names = teleportNames(values);
    expect(namedByTbot(data["tbot.yaml"])).toEqual({
      token: names.joinToken,
      workloadIdentity: names.workloadIdentity,
    });
    const { role, bot, workload_identity } = documents(values);
    expect([role.metadata.name, bot.metadata.name, workload_identity.metadata.name]).toEqual([
      names.role,
      names.bot,
      names.workloadIdentity,
    ]);
    expect(bot.spec.roles).toEqual([names.role]);
    expect(joinToken(values, [])).toMatchObject({ tokenName: names.joinToken, botName: names.bot });
  });
});

describe("the scenario multi-cluster", () => {
  test("has the cluster's suffix on every name, and no name without it anywhere", async () => {
    const values = await scenarioValues("multi-cluster");
    expect(teleportNames(values)).toEqual({
      bot: "istio-tbot-prod",
      role: "istio-workload-identity-issuer-prod",
      workloadIdentity: "istio-workloads-prod",
      joinToken: "istio-tbot-k8s-join-prod",
    });
    const texts = [await scenarioManifests("multi-cluster"), ...teleportDocuments(values).map(({ text }) => text)];
    const bare = /istio-(tbot|workload-identity-issuer|workloads|tbot-k8s-join)"/g;
    for (const text of texts) expect(text.match(bare) ?? []).toEqual([]);
  });

  test("lets the role reach workload identities with this cluster's label only", async () => {
    const { role, workload_identity } = documents(await scenarioValues("multi-cluster"));
    expect(role.spec.allow.workload_identity_labels).toMatchObject({ cluster: ["prod"] });
    expect(workload_identity.metadata.labels).toMatchObject({ cluster: "prod" });
  });

  test("issues by one rule, all of whose conditions must hold: alternatives would each open it", async () => {
    const { workload_identity } = documents(await scenarioValues("multi-cluster"));
    expect(workload_identity.spec.rules).toEqual({
      allow: [
        {
          conditions: [
            { attribute: "workload.kubernetes.attested", eq: { value: "true" } },
            { attribute: "join.meta.join_token_name", eq: { value: "istio-tbot-k8s-join-prod" } },
            { attribute: "workload.kubernetes.namespace", in: { values: ["shop", "istio-ingress", "test-app"] } },
            { attribute: "workload.kubernetes.container.name", eq: { value: "istio-proxy" } },
          ],
        },
      ],
    });
  });

  test("says in the NOTES what it is in Teleport, and who gets an identity; without these values they say nothing", async () => {
    const notes = await renderNotes(await scenarioInputs("multi-cluster"));
    expect(notes).toContain("Only workloads in these namespaces get one: shop, istio-ingress, test-app.");
    expect(notes).toContain("the bot is istio-tbot-prod, the join token istio-tbot-k8s-join-prod.");
    expect(await renderNotes(await scenarioInputs("minimal"))).not.toMatch(/these namespaces|In Teleport this cluster/);
  });

  test("keeps the trust domain and the principals of the Teleport cluster", async () => {
    const policies = (await renderObjects("multi-cluster")).filter(({ kind }) => kind === "AuthorizationPolicy");
    const principals = policies.flatMap(({ spec }) =>
      (spec.rules ?? []).flatMap(({ from }: { from?: { source: { principals?: string[] } }[] }) =>
        (from ?? []).flatMap(({ source }) => source.principals ?? []),
      ),
    );
    expect(principals).toContain("example.teleport.sh/ns/istio-ingress/sa/public-gateway");
    for (const principal of principals) expect(principal).toMatch(/^example\.teleport\.sh\/ns\//);
  });
});

describe("the rules work without a cluster, too", () => {
  const conditions = async (...sets: string[]) => {
    const { workload_identity } = documents(await scenarioValues("minimal", ...sets));
    return workload_identity.spec.rules.allow[0].conditions.slice(1);
  };

  test("allowedNamespaces", async () => {
    expect(await conditions("global.teleport.workloadIdentity.allowedNamespaces={shop}")).toEqual([
      { attribute: "workload.kubernetes.namespace", in: { values: ["shop"] } },
    ]);
  });

  test("sidecarsOnly", async () => {
    expect(await conditions("global.teleport.workloadIdentity.sidecarsOnly=true")).toEqual([
      { attribute: "workload.kubernetes.container.name", eq: { value: "istio-proxy" } },
    ]);
  });
});
