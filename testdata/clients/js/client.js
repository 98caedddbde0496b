// Calls App Runner through AWS's client for JavaScript: a request a line on stdin, an answer a line on stdout (see
// ../README.md).
import * as sdk from "@aws-sdk/client-apprunner";
import { createInterface } from "node:readline";

const client = new sdk.AppRunnerClient({ maxAttempts: 1 }); // endpoint, region and keys come from the environment

const exceptions = Object.entries(sdk).filter(([name]) => /Exception$/.test(name) && name !== "AppRunnerServiceException");

// plain is value as JSON can have it; a time keeps apart from text and numbers.
function plain(value) {
  if (value instanceof Date) return { $time: value.getTime() / 1000 };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== "$metadata").map(([name, v]) => [name, plain(v)]));
}

async function answer({ action, input }) {
  try {
    return { output: plain(await client.send(new sdk[`${action}Command`](input))) };
  } catch (e) {
    const [name] = exceptions.find(([, exception]) => e instanceof exception) ?? [];
    if (name) return { error: name, message: e.message };
    return { broken: `${e.name}: ${e.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
