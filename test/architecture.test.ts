import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { suite, test } from "node:test";

const root = new URL("..", import.meta.url).pathname;

/** Which parts each part may import. Assembly and main may import all; they are the only ones. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  storage: ["core"],
  audit: ["core", "storage"],
  vault: ["core", "storage", "audit"],
  keys: ["core", "storage", "audit"],
  policy: ["core", "storage", "audit", "vault", "keys"],
  identity: ["core", "storage", "audit", "vault", "keys"],
  records: ["core", "storage", "audit", "vault", "keys", "policy", "identity"],
  breach: ["core", "storage", "audit", "vault", "keys"],
  gateway: ["core"],
  town: ["core"],
};
const assembling = new Set(["assembly", "cli", "main.ts"]);

interface Source {
  readonly file: string;
  readonly part: string;
  readonly text: string;
  readonly imports: readonly string[];
  readonly isTest: boolean;
}

const importForms =
  /(?:import|export)\s[^"';]*?from\s*"([^"]+)"|import\s*"([^"]+)"|import\(\s*"([^"]+)"\s*\)/g;

function readSource(file: string): Source {
  const text = readFileSync(join(root, "src", file), "utf8");
  const imports = [...text.matchAll(importForms)].map(
    (found) => found[1] ?? found[2] ?? found[3] ?? "",
  );
  return {
    file,
    part: file.split("/")[0] ?? "",
    text,
    imports,
    isTest: /\.test\.ts$|testing|\/test-/.test(file),
  };
}

const sources = globSync("**/*.ts", { cwd: join(root, "src") })
  .sort()
  .map(readSource);
const shipped = sources.filter((source) => !source.isTest);

function partOf(source: Source, specifier: string): string | null {
  // Data that is reviewed beside the policies, and no code.
  if (/^#policies\/[a-z-]+\.json$/.test(specifier)) return null;
  if (specifier.startsWith("#")) return specifier.slice(1).split("/")[0] ?? null;
  if (!specifier.startsWith(".")) return null;
  return normalize(join(dirname(source.file), specifier)).split("/")[0] ?? null;
}

/** Modules that reach the outside, and the only places that may hold them. */
const powers: readonly { readonly power: RegExp; readonly places: RegExp; readonly why: string }[] =
  [
    {
      power: /^(?:node:)?(?:net|tls|https|http2|dgram)$/,
      places: /^(core\/net|gateway\/|assembly\/(only-one|child)|storage\/)/,
      why: "listening and connecting",
    },
    {
      power: /^undici$/,
      places: /^(core\/net|gateway\/|keys\/client|assembly\/|cli\/)/,
      why: "connecting",
    },
    { power: /^pg(-.*)?$/, places: /^storage\//, why: "the database driver" },
    {
      power: /^(?:node:)?child_process$/,
      places: /^(assembly\/|storage\/|cli\/)/,
      why: "starting processes",
    },
  ];

/** Words that only some places may use. */
const words: readonly { readonly word: RegExp; readonly places: RegExp; readonly why: string }[] = [
  {
    word: /process\.env/,
    places: /^(main\.ts|assembly\/)/,
    why: "the environment is read by main and handed on",
  },
  {
    word: /createCipheriv|createDecipheriv/,
    places: /^(vault|keys)\//,
    why: "ciphers live in vault and keys",
  },
  { word: /Math\.random/, places: /^$/, why: "chance is handed in" },
  { word: /\bDate\.now\(\)|new Date\(\)/, places: /^core\/clock\.ts$/, why: "time is handed in" },
  {
    word: /\b(?:SELECT\s+[\s\S]{1,400}?\s+FROM|INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\w+\.\w+\s+SET)\b/,
    places: /^(storage\/|[a-z]+\/(?:.*\/)?[a-z-]*(?:store|queries)\.ts$)/,
    why: "SQL lives in storage and store files",
  },
];

suite("the architecture", () => {
  test("the check read the sources of every part", () => {
    assert.ok(sources.length > 60, `only ${sources.length} files were read`);
    for (const part of Object.keys(mayImport)) {
      assert.ok(
        shipped.some((source) => source.part === part),
        `nothing was read of ${part}`,
      );
    }
    assert.ok(
      shipped.flatMap((source) => source.imports).length > 200,
      "hardly an import was seen",
    );
  });

  test("each part imports only the parts below it", () => {
    const wrong = shipped.flatMap((source) => {
      if (assembling.has(source.part)) return [];
      const allowed = mayImport[source.part];
      if (allowed === undefined) return [`${source.file}: ${source.part} is not a known part`];
      return source.imports.flatMap((specifier) => {
        const part = partOf(source, specifier);
        if (part === null || part === source.part || allowed.includes(part)) return [];
        return [`${source.file} imports ${specifier}`];
      });
    });
    assert.deepEqual(wrong, []);
  });

  test("outside powers are held in their one place", () => {
    const wrong = shipped.flatMap((source) =>
      powers.flatMap(({ power, places, why }) =>
        source.imports
          .filter(
            (specifier) =>
              power.test(specifier) && !places.test(source.file) && !isTypeOnly(source, specifier),
          )
          .map((specifier) => `${source.file} imports ${specifier}: ${why}`),
      ),
    );
    assert.deepEqual(wrong, []);
  });

  test("environment, ciphers, chance, time and SQL stay in their places", () => {
    const wrong = shipped.flatMap((source) =>
      words
        .filter(
          ({ word, places }) =>
            word.test(withoutComments(source.text)) && !places.test(source.file),
        )
        .map(({ word, why }) => `${source.file} uses ${word.source.slice(0, 40)}: ${why}`),
    );
    assert.deepEqual(wrong, []);
  });

  test("the portal imports nothing of the servers but wire types", () => {
    const files = globSync("portal/src/**/*.{ts,tsx}", { cwd: root });
    assert.ok(files.length > 10, `only ${files.length} portal files were read`);
    const wrong = files.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return [...text.matchAll(importForms)]
        .map((found) => found[1] ?? found[2] ?? "")
        .filter(
          (specifier) =>
            /(^#|\/src\/)/.test(specifier) &&
            !/\/src\/core\/(wire|policy-request)\.ts$/.test(specifier),
        )
        .map((specifier) => `${file} imports ${specifier}`);
    });
    assert.deepEqual(wrong, []);
  });

  test("each part says in a README what it promises", () => {
    for (const part of Object.keys(mayImport)) {
      const text = readFileSync(join(root, "src", part, "README.md"), "utf8");
      assert.ok(text.length > 200, `src/${part}/README.md says next to nothing`);
    }
  });

  test("every runtime dependency has its line of reason", () => {
    const manifests = ["package.json", "portal/package.json"].map(
      (file) =>
        JSON.parse(readFileSync(join(root, file), "utf8")) as Record<
          string,
          Record<string, string> | undefined
        >,
    );
    const names = manifests.flatMap((manifest) =>
      ["dependencies", "optionalDependencies", "devDependencies"].flatMap((kind) =>
        Object.keys(manifest[kind] ?? {}),
      ),
    );
    assert.ok(names.length > 10);
    const reasons = readFileSync(join(root, "docs/dependencies.md"), "utf8");
    assert.deepEqual(
      names.filter((name) => !reasons.includes(`\`${name}\``)),
      [],
    );
  });
});

function isTypeOnly(source: Source, specifier: string): boolean {
  const escaped = specifier.replaceAll(/[/\\^$*+?.()|[\]{}]/g, "\\$&");
  const all = [
    ...source.text.matchAll(new RegExp(`import\\s+(type\\s+)?[^"';]*?from\\s*"${escaped}"`, "g")),
  ];
  return all.length > 0 && all.every((found) => found[1] !== undefined);
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, "");
}
