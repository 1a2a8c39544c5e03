/** Registers the scenarios of a client that is driven by a script: `<command> <scenario>` with BOOTSTRAP set must end with exit code 0. */
import { afterAll, beforeAll, test } from "bun:test";
import { type BrokerUnderTest, startBroker } from "./broker.ts";
import { mustRun } from "./process.ts";

export interface ScriptedClient {
  readonly client: string;
  readonly scenarios: Readonly<Record<string, string>>;
  /** Installs the client and answers with the command line before the scenario's name, and its folder. */
  prepare(): Promise<{ readonly command: readonly string[]; readonly env?: Record<string, string>; readonly cwd?: string }>;
}

export function runScenarios(script: ScriptedClient): void {
  let broker: BrokerUnderTest;
  let prepared: Awaited<ReturnType<ScriptedClient["prepare"]>>;
  beforeAll(async () => {
    prepared = await script.prepare();
    broker = await startBroker();
  }, 600_000);
  afterAll(() => broker?.stop());
  for (const [name, promise] of Object.entries(script.scenarios)) {
    test(`${script.client} ${promise}`, async () => {
      await mustRun([...prepared.command, name], {
        env: { ...prepared.env, BOOTSTRAP: broker.bootstrap },
        timeoutMs: 110_000,
        ...(prepared.cwd ? { cwd: prepared.cwd } : {}),
      });
    }, 120_000);
  }
}
