import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Each test starts processes; a busy machine takes its time. */
setDefaultTimeout(60_000);

const main = resolve(import.meta.dir, "../../main.ts");
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "barnabas-cli-"));
  folders.push(path);
  return path;
}

function start(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return Bun.spawn([process.execPath, main, ...args], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

async function end(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = start(cwd, args, env);
  const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { out, error, code };
}

/** Reads until the line that says that clients are served. */
async function serving(child: ReturnType<typeof start>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("Kafka Server started")) return text;
  }
  throw new Error(`ended before it served: ${text}${await new Response(child.stderr).text()}`);
}

describe("barnabas", () => {
  test("tells its version, and what there is", async () => {
    const cwd = await folder();
    expect(await end(cwd, ["version"])).toMatchObject({ out: expect.stringMatching(/^barnabas \d+\.\d+\.\d+\n$/), code: 0 });
    expect(await end(cwd, [])).toMatchObject({ out: expect.stringContaining("barnabas serve"), code: 0 });
    expect(await end(cwd, ["serve", "--help"])).toMatchObject({ out: expect.stringContaining("--advertise"), code: 0 });
  });

  const refusals: readonly (readonly [args: readonly string[], code: number, message: string])[] = [
    [["srve"], 64, 'Unknown command "srve": did you mean "serve"?'],
    [["serve", "--lissten", "x"], 64, 'did you mean "--listen"?'],
    [["serve", "--listen", "0.0.0.0:0"], 78, "or say --insecure if the network is trusted"],
    [["serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"], 78, 'Cannot listen at "0.0.0.0:0" without security'],
    [["serve", "--listen", "0.0.0.0:0", "--admin", "none", "--insecure"], 78, "without an advertised address"],
    [["serve", "--set", "num.partition=3"], 78, 'did you mean "num.partitions"?'],
    [["serve", "--config", "nowhere.properties"], 78, 'Cannot read the settings in "nowhere.properties"'],
    [["serve", "--listen", "127.0.0.1:0", "--admin", "none", "--topic", "a/b"], 78, "a/b"],
  ];
  for (const [args, code, message] of refusals) {
    test(`${args.join(" ")} ends with ${code} and says why`, async () => {
      const ended = await end(await folder(), args);
      expect(ended.error).toContain(message);
      expect(ended.code).toBe(code);
    });
  }

  test("config explain tells what a setting comes to, as serve would have it; serve --check tells of all that is set", async () => {
    const cwd = await folder();
    await Bun.write(join(cwd, "server.properties"), "log.retention.hours=2\nnum.io.threads=8\n");
    const config = ["--config", "server.properties"];
    const env = { KAFKA_NODE_ID: "3" };
    expect(await end(cwd, ["config", "explain", "node.id", ...config], env)).toMatchObject({
      out: expect.stringContaining("  Value     3, from KAFKA_NODE_ID\n"),
      code: 0,
    });
    const asJson = await end(cwd, ["config", "explain", "retention.ms", "--json", ...config]);
    expect(JSON.parse(asJson.out)).toMatchObject([{ name: "retention.ms", value: "7200000" }]);
    expect((await end(cwd, ["config", "explain", "KAFKA_LOG_RETENTION_MS"])).out).toStartWith("log.retention.ms, a setting of the broker");
    expect(await end(cwd, ["config", "explain", "nodes.id"])).toMatchObject({
      error: expect.stringContaining('Unknown setting "nodes.id": did you mean "node.id"?'),
      code: 1,
    });
    expect(await end(cwd, ["config", "explain", "node.id", "--node-id", "x"])).toMatchObject({ code: 78 });
    const check = await end(cwd, ["serve", "--check", ...config], env);
    expect([check.code, check.error]).toEqual([0, ""]);
    expect(check.out).toContain("node.id=3");
    expect(check.out).toContain("num.io.threads");
    expect((await end(cwd, ["serve", "--check", "--set", "num.partitions=0"])).code).toBe(78);
    expect(await readdir(cwd)).toEqual(["server.properties"]);
  });

  test("serve says where it listens, keeps its data under ./data, and ends in order when told to", async () => {
    const cwd = await folder();
    const child = start(cwd, ["serve", "--listen", "127.0.0.1:0", "--topic", "orders:2"], { BARNABAS_ADMIN_LISTENER: "127.0.0.1:0" });
    const said = await serving(child);
    expect(said).toMatch(/Listening for Kafka clients on PLAINTEXT:\/\/127\.0\.0\.1:[1-9]\d*\n/);
    const admin = /HTTP admin on (http:\/\/\S+)/.exec(said)![1]!;
    expect(await (await fetch(`${admin}/readyz`)).json()).toEqual({ status: "ok" });
    expect(await (await fetch(`${admin}/metrics`)).text()).toMatch(/^barnabas_partitions 2$/m);

    const second = await end(cwd, ["serve", "--listen", "127.0.0.1:0", "--admin", "none"]);
    expect(second.error).toContain("data");
    expect(second.code).toBe(78);

    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(await readdir(cwd)).toEqual(["data"]);
    expect(await end(cwd, ["serve", "--listen", "127.0.0.1:0", "--admin", "none", "--node-id", "2"])).toMatchObject({ code: 78 });
  });

  test("serve ends in order also when it is told to while it starts", async () => {
    const cwd = await folder();
    // The data directory is made before clients are served.
    const entries = watch(cwd)[Symbol.asyncIterator]();
    const made = entries.next();
    const child = start(cwd, ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--topic", "orders:64"]);
    expect((await made).value).toMatchObject({ filename: "data" });
    await entries.return?.();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stderr).text()).toBe("");
  });

  test("serve refuses an address that is taken, says what to do, and leaves nothing behind", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const cwd = await folder();
    const ended = await end(cwd, ["serve", "--listen", `127.0.0.1:${taken.port}`, "--admin", "none"]);
    expect(ended.error).toContain("choose another address with --listen or --admin");
    expect(ended.code).toBe(78);
    expect(await readdir(cwd)).toEqual([]);
  });
});
