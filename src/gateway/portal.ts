import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { refuse } from "#core/problem.ts";
import { invariant, ok, type Result } from "#core/result.ts";

/** One form of a file as it is sent. */
export interface PortalBody {
  /** A coding of RFC 9110 §8.4.1, or null for the file as it is. */
  readonly encoding: "br" | "gzip" | null;
  readonly bytes: Buffer;
  readonly etag: string;
}

export interface PortalFile {
  readonly type: string;
  /** Smallest first. */
  readonly bodies: readonly PortalBody[];
}

/** The built portal, held in memory: nothing a client sends is ever turned into a file name. */
export interface Portal {
  readonly page: PortalFile;
  /** By the path under which it is asked for, such as "/assets/index-Bx3.js". */
  readonly files: ReadonlyMap<string, PortalFile>;
}

export interface PortalOptions {
  readonly directory: string;
  readonly portalBytes: number;
  readonly portalFiles: number;
}

const types: ReadonlyMap<string, string> = new Map([
  [".css", "text/css; charset=utf-8"],
  [".html", "text/html; charset=utf-8"],
  [".ico", "image/x-icon"],
  [".js", "text/javascript; charset=utf-8"],
  [".json", "application/json"],
  [".png", "image/png"],
  [".svg", "image/svg+xml"],
  [".txt", "text/plain; charset=utf-8"],
  [".webmanifest", "application/manifest+json"],
  [".webp", "image/webp"],
  [".woff2", "font/woff2"],
]);
const worthCompressing = /^(?:text\/|application\/(?:json|manifest)|image\/svg)/;

/**
 * Reads the built portal. Files of a type that is not known above are left out. Fails with
 * portal-missing when there is no index.html or the folder holds more than the limits say.
 */
export async function loadPortal(options: PortalOptions): Promise<Result<Portal>> {
  const names = (await listFiles(options.directory)).filter((name) => types.has(extname(name)));
  if (!names.includes("index.html")) return missing("there is no index.html");
  if (names.length > options.portalFiles) return missing(`more than ${options.portalFiles} files`);
  const files = new Map<string, PortalFile>();
  let total = 0;
  for (const name of names) {
    const bytes = await readFile(join(options.directory, name));
    total += bytes.length;
    if (total > options.portalBytes) return missing(`more than ${options.portalBytes} bytes`);
    const type = types.get(extname(name)) ?? "application/octet-stream";
    files.set(`/${name.split(sep).join("/")}`, await prepare(bytes, type));
  }
  const page = files.get("/index.html");
  return page === undefined ? missing("there is no index.html") : ok({ page, files });
}

const missing = (detail: string) => refuse("portal-missing", { detail });

async function listFiles(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, sep).length));
  } catch {
    return [];
  }
}

const asBrotli = promisify(brotliCompress);
const asGzip = promisify(gzip);

async function prepare(bytes: Buffer, type: string): Promise<PortalFile> {
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  const plain: PortalBody = { encoding: null, bytes, etag: `"${hash}"` };
  if (!worthCompressing.test(type)) return { type, bodies: [plain] };
  const params = { [constants.BROTLI_PARAM_QUALITY]: 6 };
  const [br, gz] = await Promise.all([asBrotli(bytes, { params }), asGzip(bytes)]);
  const bodies: readonly PortalBody[] = [
    { encoding: "br", bytes: br, etag: `"${hash}-br"` },
    { encoding: "gzip", bytes: gz, etag: `"${hash}-gz"` },
    plain,
  ];
  return { type, bodies: [...bodies].sort((a, b) => a.bytes.length - b.bytes.length) };
}

/** The smallest body that the Accept-Encoding field allows; the file as it is in doubt. */
export function chooseBody(file: PortalFile, acceptEncoding: string): PortalBody {
  const accepted = new Set(
    acceptEncoding.split(",").flatMap((item) => {
      const [coding = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
      return parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter)) ? [] : [coding];
    }),
  );
  const fitting = file.bodies.find(({ encoding }) => encoding === null || accepted.has(encoding));
  invariant(fitting !== undefined, "every file has a body without coding");
  return fitting;
}
