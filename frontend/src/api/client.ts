import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
type Readable = {
  [Path in keyof paths]: paths[Path] extends {
    get: { responses: { 200: { content: { "application/json": infer Body } } } };
  }
    ? Body
    : never;
};
export type ReadPath = { [Path in keyof Readable]: Readable[Path] extends never ? never : Path }[keyof Readable];
export type Answer<Path extends ReadPath> = Readable[Path];
export type Query = Record<string, string | number | undefined | null>;

export class Fault extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly remedy = "",
    readonly problems: readonly { where: string; what: string; remedy: string }[] = [],
  ) {
    super(message);
  }
}

/** Whatever was thrown, as a fault to show; `code` says what kind it is where it is none of ours. */
export function faultOf(error: unknown, code = ""): Fault {
  return error instanceof Fault ? error : new Fault(0, code, String(error));
}

/** What a single-file report carries in place of a server. */
type Carried = Record<string, unknown>;
const carried: Carried | undefined = (globalThis as { __breakeven?: Carried }).__breakeven;

let guard = "local";
export function setGuard(value: string): void {
  guard = value;
}

export function address(path: string, query: Query = {}, parts: Record<string, string> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") asked.set(name, String(value));
  }
  const text = asked.toString();
  return text ? `${filled}?${text}` : filled;
}

async function taken<Body>(response: Response): Promise<Body> {
  if (response.ok) return response.status === 204 ? (undefined as Body) : ((await response.json()) as Body);
  const body = (await response.json().catch(() => null)) as {
    error?: { code: string; message: string; remedy: string; problems: Fault["problems"] };
  } | null;
  const told = body?.error;
  throw new Fault(
    response.status,
    told?.code ?? "",
    told?.message ?? response.statusText,
    told?.remedy,
    told?.problems,
  );
}

/** One report. The types follow from the server's own description of it. */
export async function read<Path extends ReadPath>(
  path: Path,
  query: Query = {},
  parts: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Answer<Path>> {
  const target = address(path, query, parts);
  if (carried) {
    if (!(target in carried)) throw new Fault(404, "not_carried", "This file does not hold that report.");
    return carried[target] as Answer<Path>;
  }
  return taken(await fetch(target, { headers: { accept: "application/json" }, signal: signal ?? null }));
}

/** A file that the server looks at; the guard as for a change. */
export async function upload<Body>(path: string, query: Query, file: Blob): Promise<Body> {
  const headers = { "content-type": "application/octet-stream", "x-breakeven-guard": guard };
  return taken(await fetch(address(path, query), { method: "POST", headers, body: file }));
}

/** A change; the guard tells the server that it comes from this page. */
export async function change<Body>(path: string, body: unknown, method = "POST"): Promise<Body> {
  const headers = { "content-type": "application/json", "x-breakeven-guard": guard };
  return taken(await fetch(path, { method, headers, body: method === "DELETE" ? null : JSON.stringify(body) }));
}
