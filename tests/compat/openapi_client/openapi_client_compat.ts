/** A TypeScript client generated from the node's own OpenAPI document by openapi-typescript, compiled strictly and run against a live node. */
import { test } from "bun:test";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Broker } from "../../../mod.ts";
import { nodePackage } from "../support/install.ts";
import { mustRun } from "../support/process.ts";

test("a client generated from the document compiles, and the node does what it says", async () => {
  const cwd = await nodePackage("openapi_client");
  await using broker = await Broker.start({ storage: "memory", admin: "127.0.0.1:0" });
  const base = `http://127.0.0.1:${broker.adminAddress!.port}`;
  await writeFile(join(cwd, "openapi.json"), await (await fetch(`${base}/v1/openapi.json`)).text());
  await cp(join(import.meta.dir, "calls.ts.txt"), join(cwd, "calls.ts"));
  const tool = (name: string) => join(cwd, "node_modules/.bin", name);
  await mustRun([tool("openapi-typescript"), "openapi.json", "-o", "api.ts"], { cwd, timeoutMs: 60_000 });
  const options = "--noEmit --strict --noUncheckedIndexedAccess --target esnext --module esnext --moduleResolution bundler --skipLibCheck";
  await writeFile(join(cwd, "node.d.ts"), "declare const process: { readonly env: Record<string, string>; exit(code: number): never };\n");
  await mustRun([tool("tsc"), ...options.split(" "), "--allowImportingTsExtensions", "node.d.ts", "calls.ts"], { cwd, timeoutMs: 100_000 });
  await mustRun([process.execPath, "calls.ts"], { cwd, env: { BASE: base }, timeoutMs: 60_000 });
}, 300_000);
