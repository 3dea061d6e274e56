import { html, type Markup } from "../../base/markup.ts";
import type { Holder, Identity, ReportDocument } from "../document.ts";
import { statusMark } from "./status.ts";
import { timeText } from "./time.ts";

/** Pods of one identity that are shown at once. */
const SHOWN = 2;

/** Each identity: who holds it, who issued it, until when. */
export function identitiesSection({ identities, unread, takenAt }: ReportDocument): Markup {
  const table =
    identities.length === 0
      ? html`<p>No certificate is known.</p>`
      : html`<div class="wide-table" tabindex="0" role="region" aria-label="Identities"><table>
<thead><tr><th scope="col">Workload</th><th scope="col">Status</th><th scope="col">Issuer</th><th scope="col">Earliest expiry</th><th scope="col">Pods and serial numbers</th></tr></thead>
<tbody>${identities.map(row)}</tbody></table></div>`;
  return html`<section id="identities">
<h2>Who is who</h2>
<p class="note">From the certificates that the proxies hold, read from each Envoy’s admin interface, ${timeText(takenAt)}. The issuer is Teleport where the root that signed the certificate names the trust domain and is none of istiod’s.</p>
${table}
${unreadPods(unread)}
</section>`;
}

function row({ id, issuer, namespace, serviceAccount, service, status, evidence, pods }: Identity): Markup {
  const name = service ?? `${namespace}/${serviceAccount}`;
  const [first, rest] = [pods.slice(0, SHOWN), pods.slice(SHOWN)];
  const more =
    rest.length === 0 ? undefined : html`<details><summary>${rest.length} more</summary>${rest.map(holder)}</details>`;
  const expiry = pods.map(({ expiresAt }) => expiresAt ?? "").toSorted()[0];
  return html`<tr><th scope="row">${name}<code>${id === "" ? "no SPIFFE ID" : id}</code></th><td>${statusMark(status)}</td><td>${issuer === "teleport" ? "Teleport" : issuer}${status === "ok" ? undefined : html`<br>${evidence}`}<code class="block">${roots(pods)}</code></td><td>${timeText(expiry || null)}</td><td>${first.map(holder)}${more}</td></tr>\n`;
}

/** The roots by their fingerprints: two while Teleport's authority is rotated. */
function roots(pods: readonly Holder[]): string {
  return [...new Set(pods.map(({ root }) => (root === null ? "no root that it trusts" : `root ${root}`)))].join(", ");
}

function holder({ pod, serial, node }: Holder): Markup {
  return html`<div title="on ${node}">${pod}<code class="block">${serial}</code></div>`;
}

function unreadPods(unread: ReportDocument["unread"]): Markup | undefined {
  if (unread.length === 0) return undefined;
  return html`<h3>Not known</h3>
<p>The certificates of these pods of the mesh could not be read.</p>
<ul>${unread.map(({ pod, reason }) => html`<li><strong>${pod}</strong>: ${reason}</li>`)}</ul>`;
}
