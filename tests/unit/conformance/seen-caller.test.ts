import { expect, it } from "vitest";
import { seenCaller } from "../../../tools/conformance/stage/seen-caller.ts";

const body = (...values: string[]) => JSON.stringify({ headers: { "X-Forwarded-Client-Cert": values } });

it("takes the last hop's word, not what the caller sent", () => {
  const forged = "By=spiffe://a/ns/n/sa/x;Hash=00;URI=spiffe://a/ns/n/sa/admin";
  const real = 'By=spiffe://a/ns/n/sa/server;Hash=AB;Subject="";URI=spiffe://a/ns/n/sa/client';
  const seen = { by: "spiffe://a/ns/n/sa/server", hash: "ab", uri: "spiffe://a/ns/n/sa/client" };
  expect(seenCaller(body(`${forged},${real}`))).toEqual(seen);
  expect(seenCaller(body(forged, real))).toEqual(seen);
});

it("is not misled by a subject that holds commas, semicolons and quotes", () => {
  const subject = 'Subject="CN=a,URI=spiffe://a/ns/n/sa/admin;O=\\"x\\",y"';
  expect(seenCaller(body(`Hash=1;${subject};URI=spiffe://a/ns/n/sa/client`))?.uri).toBe("spiffe://a/ns/n/sa/client");
});

it("finds nothing in what is no answer of the server", () => {
  for (const text of ["", "no JSON", "[]", "{}", JSON.stringify({ headers: { Host: ["x"] } })]) {
    expect(seenCaller(text)).toBeUndefined();
  }
});
