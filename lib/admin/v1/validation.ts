/** What the schemas found wrong, as people read it: where, what would be accepted, what was there. Sees no route and no service. */
import type { z } from "@hono/zod-openapi";
import type { FieldError } from "../problem.ts";

type Issue = z.core.$ZodIssue;

const GOT_CHARACTERS_MAX = 100;
/** A body of a thousand topics can have a thousand mistakes; the first are enough to see what is wrong. */
const ERRORS_MAX = 20;

/** @param given what was checked. */
export function fieldErrors(issues: readonly Issue[], given: unknown, where: FieldError["in"]): FieldError[] {
  return issues.flatMap((issue) => fromIssue(issue, given, where)).slice(0, ERRORS_MAX);
}

/** For the detail of the problem: the first mistake as a sentence. */
export function sentence(errors: readonly FieldError[]): string {
  const [first] = errors;
  if (first === undefined) return "Something of the request is not as it must be";
  const place = first.in === "body" ? first.path === "" ? "The body" : `Body field "${first.path}"` : `${titles[first.in]} "${first.path}"`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  if (first.accepted === ABSENT) return `${place} does not exist: leave it out${more}`;
  return `${place} must be ${first.accepted}${first.got === undefined ? ", and is missing" : `, not ${first.got}`}${more}`;
}

/** What is accepted where a field or parameter is not known. */
const ABSENT = "absent";
const titles = { path: "Path parameter", query: "Query parameter", header: "Header" } as const;

function fromIssue(issue: Issue, given: unknown, where: FieldError["in"]): FieldError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      in: where,
      path: pathOf([...issue.path, key], where),
      accepted: ABSENT,
      got: shown(valueAt(given, [...issue.path, key])) ?? "present",
    }));
  }
  const nested = issue.code === "invalid_union" ? issue.errors.filter((branch) => branch.length > 0) : [];
  const deep = nested.find((branch) => branch.every(({ path }) => path.length > 0));
  // One branch fits but for something inside of it: that is the mistake.
  if (deep !== undefined && issue.code === "invalid_union" && !issue.inclusive) {
    return deep.flatMap((inner) => fromIssue({ ...inner, path: [...issue.path, ...inner.path] } as Issue, given, where));
  }
  const got = shown(valueAt(given, issue.path));
  return [{ in: where, path: pathOf(issue.path, where), accepted: accepted(issue), ...(got !== undefined && { got }) }];
}

function accepted(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "int" ? "a whole number" : ARTICLES[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "too_small":
      return sized(issue.origin, "at least", Number(issue.minimum));
    case "too_big":
      return sized(issue.origin, "at most", Number(issue.maximum));
    case "invalid_union":
      if (issue.errors.length === 0 && "options" in issue) {
        return `one of ${issue.options.map((value) => JSON.stringify(value)).join(", ")}`;
      }
      return [...new Set(issue.errors.flatMap((branch) => branch.slice(0, 1).map(accepted)))].join(" or ") ||
        "one of the forms in the document";
    default:
      return issue.message;
  }
}

const ARTICLES: Readonly<Record<string, string>> = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  boolean: "true or false",
  null: "null",
  record: "an object",
};

function sized(origin: string, bound: string, count: number): string {
  if (origin === "string") return `${bound} ${count} characters long`;
  if (origin === "array" || origin === "set") return `${bound} ${count} entries long`;
  if (origin === "object" || origin === "record" || origin === "map") return `an object with ${bound} ${count} fields`;
  return `${bound} ${count}`;
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value = given;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function pathOf(path: readonly PropertyKey[], where: FieldError["in"]): string {
  if (where !== "body") return path.map(String).join(".");
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  return text.length <= GOT_CHARACTERS_MAX ? text : `${text.slice(0, GOT_CHARACTERS_MAX)}…`;
}
