import { counted } from "../../tools/base/count.ts";
import { REPOSITORY } from "../../tools/base/documentation.ts";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { say } from "../../tools/terminal/say.ts";
import { linksOf } from "./built-links.ts";

/** How long a host may take to answer, in milliseconds. */
const PATIENCE = 20_000;
/** Requests under way at once, each to another page. */
const AT_ONCE = 8;
/** Answers that say that a page is not there. Others may be of a host that dislikes programs: 403, 429, 503. */
const GONE = new Set([404, 410]);

/** What asking for a link came to. */
interface Answer {
  readonly url: string;
  /** A page of the site with the link. */
  readonly page: string;
  /** Absent when the page is there. */
  readonly fault?: { readonly isGone: boolean; readonly reason: string };
}

/**
 * Asks the other hosts for each page that the site links to, once for all of its sections. Pages of this repository are not
 * asked for: the build compares them with the checkout.
 *
 * @param site folder of the built site
 * @throws ExitError (refused) naming the links whose host says that there is no such page; (unavailable) when there is none of
 *   them and a host could not be asked, for example without a network
 */
export async function checkExternalLinks(site: string): Promise<void> {
  const pages = new Map<string, string>();
  for (const { page, url } of linksOf(site)) {
    const [address = ""] = url.split("#");
    if (/^https?:/.test(address) && !address.startsWith(REPOSITORY)) pages.set(address, page);
  }
  const answers = await askAll([...pages].map(([url, page]) => ({ url, page })));
  const faults = answers.flatMap(({ url, page, fault }) =>
    fault === undefined ? [] : [{ isGone: fault.isGone, line: `${url} (in ${page}): ${fault.reason}` }],
  );
  const [gone, unasked] = [true, false].map((isGone) =>
    faults.filter((fault) => fault.isGone === isGone).map(({ line }) => line),
  );
  const said = (lines: readonly string[] = []) => lines.join("\n");
  if (gone?.length) throw new ExitError(`${gone.length} of ${answers.length} links are dead:\n${said(gone)}`);
  if (unasked?.length === answers.length && answers.length > 0) {
    throw new ExitError(
      `None of ${answers.length} links could be checked; is there a network? The first: ${unasked[0]}`,
      EXIT.unavailable,
    );
  }
  if (unasked?.length) {
    throw new ExitError(
      `${unasked.length} of ${answers.length} links could not be checked:\n${said(unasked)}`,
      EXIT.unavailable,
    );
  }
  say(`${counted(answers.length, "link")} to other hosts, each answered`);
}

async function askAll(links: readonly { url: string; page: string }[]): Promise<Answer[]> {
  const waiting = [...links];
  const answers: Answer[] = [];
  const worker = async () => {
    for (let link = waiting.shift(); link !== undefined; link = waiting.shift()) {
      const fault = await faultOf(link.url);
      answers.push(fault === undefined ? link : { ...link, fault });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}

async function faultOf(url: string): Promise<Answer["fault"]> {
  try {
    const { ok, status, body } = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    await body?.cancel();
    return ok ? undefined : { isGone: GONE.has(status), reason: `the host answers ${status}` };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { message?: string } };
    return { isGone: false, reason: cause?.message || message };
  }
}
