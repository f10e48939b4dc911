import type {
  CodeSystem,
  Questionnaire,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from "@medplum/fhirtypes";

/** The kinds of definition that are kept of an installed package; others serve readers, not programs. */
export const definitionKinds = [
  "StructureDefinition",
  "ValueSet",
  "CodeSystem",
  "SearchParameter",
  "Questionnaire",
] as const;
export type DefinitionKind = (typeof definitionKinds)[number];

/** One definition of an installed package. The text is its JSON, a resource of that kind. */
export interface InstalledDefinition {
  readonly kind: DefinitionKind;
  readonly url: string;
  /** Business version; null when it has none. */
  readonly version: string | null;
  readonly text: string;
}

/**
 * What is known beyond R4 itself: the definitions of installed packages, by canonical url. It never
 * changes: whatever is compiled from it may be kept by it, in a WeakMap. A canonical may name a
 * version (`url|version`), which must then be installed; without, the one installed last answers.
 */
export interface Conformance {
  readonly structureDefinition: (canonical: string) => StructureDefinition | null;
  readonly valueSet: (canonical: string) => ValueSet | null;
  readonly codeSystem: (canonical: string) => CodeSystem | null;
  readonly questionnaire: (canonical: string) => Questionnaire | null;
  /** The parameters that packages add to those of R4. */
  readonly extraSearchParameters: () => readonly SearchParameter[];
}

/** The definitions as they are at the moment: another object after each installation. */
export type CurrentConformance = () => Conformance;

type Versions = InstalledDefinition[];

function find(byUrl: ReadonlyMap<string, Versions>, canonical: string): InstalledDefinition | null {
  const [url = "", version] = canonical.split("|", 2);
  const versions = byUrl.get(url) ?? [];
  const found =
    version === undefined ? versions.at(-1) : versions.findLast((each) => each.version === version);
  return found ?? null;
}

/** `definitions` in the order in which they were installed. Each is parsed when it is first asked for. */
export function conformanceOf(definitions: Iterable<InstalledDefinition>): Conformance {
  const byKind = new Map<DefinitionKind, Map<string, Versions>>();
  for (const definition of definitions) {
    const { kind, url } = definition;
    const ofKind = byKind.get(kind) ?? new Map<string, Versions>();
    byKind.set(kind, ofKind.set(url, [...(ofKind.get(url) ?? []), definition]));
  }
  const none = new Map<string, Versions>();
  const text = (kind: DefinitionKind, canonical: string): string | null =>
    find(byKind.get(kind) ?? none, canonical)?.text ?? null;
  const lookUp =
    <T>(kind: DefinitionKind) =>
    (canonical: string): T | null => {
      const found = text(kind, canonical);
      return found === null ? null : (JSON.parse(found) as T);
    };
  const newest = [...(byKind.get("SearchParameter") ?? none).values()];
  let parameters: readonly SearchParameter[] | null = null;
  return {
    structureDefinition: lookUp<StructureDefinition>("StructureDefinition"),
    valueSet: lookUp<ValueSet>("ValueSet"),
    codeSystem: lookUp<CodeSystem>("CodeSystem"),
    questionnaire: lookUp<Questionnaire>("Questionnaire"),
    extraSearchParameters: () =>
      (parameters ??= newest.flatMap((versions) => {
        const last = versions.at(-1);
        return last === undefined ? [] : [JSON.parse(last.text) as SearchParameter];
      })),
  };
}

/** Nothing beyond R4: where no package is installed. */
export const r4Alone: Conformance = conformanceOf([]);
