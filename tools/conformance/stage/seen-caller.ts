import { isRecord, jsonIn, recordAt, textsAt } from "../../base/json-value.ts";

/** What the server's proxy says of a caller's certificate, in the header X-Forwarded-Client-Cert. */
export interface SeenCaller {
  /** SPIFFE ID of the caller. */
  uri: string;
  /** SPIFFE ID by which the server's proxy answered. */
  by: string;
  /** SHA-256 of the caller's certificate, hexadecimal, lower case. */
  hash: string;
}

/**
 * Reads what a server that answers with the headers of its request answered.
 *
 * @returns undefined where there is no such header
 */
export function seenCaller(body: string): SeenCaller | undefined {
  const answer = jsonIn(body);
  if (!isRecord(answer)) return undefined;
  const headers = recordAt(answer, "headers");
  const name = Object.keys(headers).find((key) => key.toLowerCase() === "x-forwarded-client-cert");
  // A subject in quotes may hold anything, and is not needed.
  const text =
    name === undefined
      ? undefined
      : textsAt(headers, name)
          .at(-1)
          ?.replace(/"(?:[^"\\]|\\.)*"/g, "");
  // The last element is the last hop's; what comes before it, the caller may have sent itself.
  const element = text?.split(",").at(-1);
  if (element === undefined) return undefined;
  const pairs = new Map(
    element.split(";").map((pair): [string, string] => {
      const [key = "", ...value] = pair.split("=");
      return [key.trim().toLowerCase(), value.join("=")];
    }),
  );
  return { uri: pairs.get("uri") ?? "", by: pairs.get("by") ?? "", hash: (pairs.get("hash") ?? "").toLowerCase() };
}
