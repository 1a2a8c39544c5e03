/** Answers to what does not exist: a path that is near is named, and a verb that a path does not answer is told which it does. */
import { suggestion } from "../../config/mod.ts";
import { problem } from "../problem.ts";

const VERBS = ["get", "post", "put", "patch", "delete"];
const OTHER_PATHS = ["/v1/docs", "/v1/openapi.json"];
const NEAR_MAX = 5;

interface Known {
  readonly path: string;
  readonly segments: readonly string[];
  readonly verbs: readonly string[];
}

export class Missing {
  readonly #known: readonly Known[];

  /** @param paths what exists, with the verbs that it answers. */
  constructor(paths: ReadonlyMap<string, readonly string[]>) {
    const described = [...paths].map(([path, own]) => [path, VERBS.filter((verb) => own.includes(verb))] as const);
    this.#known = [...described, ...OTHER_PATHS.map((path) => [path, ["get"]] as const)]
      .map(([path, verbs]) => ({ path, segments: path.split("/"), verbs: verbs.map((verb) => verb.toUpperCase()) }));
  }

  /** For a request that no operation took. */
  answer(method: string, path: string): Response {
    const segments = path.split("/");
    const matches = this.#known.filter((known) =>
      known.segments.length === segments.length && overlap(known.segments, segments) === segments.length
    );
    const verbs = [...new Set(matches.flatMap((known) => known.verbs))];
    if (verbs.length > 0) {
      const allowed = (verbs.includes("GET") ? [...verbs, "HEAD"] : verbs).join(", ");
      return problem("method-not-allowed", `"${matches[0]!.path}" does not answer ${method}: it answers ${allowed}`, {
        headers: { Allow: allowed },
      });
    }
    return problem("not-found", `There is no "${path.slice(0, 200)}": ${this.#near(path, segments)}`);
  }

  #near(path: string, segments: readonly string[]): string {
    const meant = suggestion(path, this.#known.map((known) => known.path)).replace(/^: /, "");
    if (meant !== "") return `${meant} See /v1/docs`;
    const most = Math.max(...this.#known.map((known) => overlap(known.segments, segments)));
    const near = this.#known.filter((known) => overlap(known.segments, segments) === most).slice(0, NEAR_MAX);
    return `near it are ${near.map((known) => known.path).join(", ")}; all are at /v1/docs`;
  }
}

/** How many segments fit from the start on; a parameter fits anything. */
function overlap(pattern: readonly string[], segments: readonly string[]): number {
  let at = 0;
  while (
    at < pattern.length && at < segments.length && (pattern[at] === segments[at] || (pattern[at]!.startsWith("{") && segments[at] !== ""))
  ) at++;
  return at;
}
