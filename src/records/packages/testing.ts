import { gzipSync } from "node:zlib";
import { Header } from "tar";

/** For tests only: archives as a package registry would serve them. */

const block = 512;

function fileOf(path: string, content: Buffer): Buffer {
  const header = Buffer.alloc(block);
  new Header({ path, mode: 0o644, size: content.length, type: "File" }).encode(header);
  const padding = Buffer.alloc((block - (content.length % block)) % block);
  return Buffer.concat([header, content, padding]);
}

/** A `.tgz` of these files by path; objects become JSON. */
export function testArchive(files: Readonly<Record<string, object | string>>): Buffer {
  const parts = Object.entries(files).map(([path, content]) =>
    fileOf(path, Buffer.from(typeof content === "string" ? content : JSON.stringify(content))),
  );
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]));
}

/** A package for R4 of these definitions. */
export function testPackage(name: string, version: string, definitions: readonly object[]): Buffer {
  const files = definitions.map(
    (definition, i) => [`package/definition-${i}.json`, definition] as const,
  );
  const manifest = { name, version, fhirVersions: ["4.0.1"] };
  return testArchive({ "package/package.json": manifest, ...Object.fromEntries(files) });
}
