/** What a process says on its standard output, up to the line that is waited for. */
import { deadline } from "@std/async/deadline";
import { TextLineStream } from "@std/streams/text-line-stream";

export interface Said {
  readonly text: string;
  /** False: the process closed its output before it said that. */
  readonly found: boolean;
}

/**
 * Resolves with everything up to the first line that `what` fits; from then on the pipe is kept empty, so that the process never waits for us.
 * @throws {DOMException} `TimeoutError` when nothing of it happened in `budgetMs`; the pipe is read on all the same.
 */
export async function linesUntil(stdout: ReadableStream<Uint8Array>, what: RegExp, budgetMs = 60_000): Promise<Said> {
  const lines = stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).pipeThrough(new TextLineStream());
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  const read = async (): Promise<void> => {
    let text = "";
    let found = false;
    for await (const line of lines) {
      if (found) continue;
      text += `${line}\n`;
      found = what.test(line);
      if (found) resolve({ text, found });
    }
    resolve({ text, found });
  };
  read().catch(reject);
  return await deadline(promise, budgetMs);
}

/** Calls `take` with every line until the stream ends; one that a process did not finish because it was killed is none. */
export async function eachLine(stdout: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
