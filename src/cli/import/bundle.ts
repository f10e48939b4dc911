import {
  type Entry,
  type Place,
  readBundleEntry,
  readResource,
  salvaged,
} from "#cli/import/entry.ts";
import { importLimits } from "#cli/import/limits.ts";
import { type BundleLinks, createBundleLinks, type ProviderDirectory } from "#cli/import/links.ts";
import { textParts } from "#cli/import/read-file.ts";
import type { SourceFile } from "#cli/import/sources.ts";
import { createSplitter, type Piece } from "#cli/import/splitter.ts";
import { problem, type Problem, refuse } from "#core/problem.ts";
import { failed, type Result } from "#core/result.ts";

/** One entry of a file, read or not, and how far into its file it stands. */
export interface Found {
  readonly place: Place;
  readonly entry: Result<Entry>;
  /** Null for a file whose resources stand alone. */
  readonly links: BundleLinks | null;
  readonly bytesRead: number;
}

/** Bundle types whose entries are resources to keep (FHIR R4 BundleType). */
const takenTypes: ReadonlySet<string> = new Set([
  "transaction",
  "batch",
  "collection",
  "searchset",
]);

/**
 * Reads a .json file: a Bundle's entries, those of a small one with its Patients first, or one
 * resource. A file that is not whole JSON is one bad entry, of which nothing is imported.
 */
export async function* readJsonFile(
  file: SourceFile,
  providers: ProviderDirectory,
): AsyncGenerator<Found> {
  const survey = await surveyFile(file, providers);
  const whole = (entry: Result<Entry>): Found => ({
    place: { file: file.name, entry: 0 },
    entry,
    links: null,
    bytesRead: file.bytes,
  });
  if (survey.problem !== null) {
    yield whole(failed(survey.problem));
    return;
  }
  if (!survey.isBundle) {
    yield whole(single(survey));
    return;
  }
  const bad = badBundle(survey);
  if (bad !== null) {
    yield whole(failed(bad));
    return;
  }
  const { links, kept } = survey;
  if (kept === null) {
    yield* readAgain(file, links);
    return;
  }
  for (const [at, one] of patientsFirst(kept).entries()) {
    yield { ...one, links, bytesRead: (file.bytes * (at + 1)) / kept.length };
  }
}

interface Kept {
  readonly place: Place;
  readonly entry: Result<Entry>;
}

interface Survey {
  problem: Problem | null;
  isBundle: boolean;
  type: string | null;
  tooMany: boolean;
  readonly links: BundleLinks;
  /** Null when the file is too large to be held. */
  readonly kept: Kept[] | null;
  /** The text of a small file that is no Bundle. */
  text: string;
}

/** First pass: checks the frame and learns to what each fullUrl of the Bundle answers. */
async function surveyFile(file: SourceFile, providers: ProviderDirectory): Promise<Survey> {
  const whole = file.bytes <= importLimits.wholeFileBytes;
  const survey: Survey = {
    problem: null,
    isBundle: false,
    type: null,
    tooMany: false,
    links: createBundleLinks(),
    kept: whole ? [] : null,
    text: "",
  };
  const splitter = createSplitter(importLimits.entryBytes);
  for await (const part of textParts(file)) {
    if (!part.ok) return { ...survey, problem: part.problem };
    if (whole) survey.text = part.text;
    const { pieces, problem: broken } = splitter.push(part.text);
    for (const piece of pieces) take(survey, piece, file, providers);
    if (broken !== null) return { ...survey, problem: broken };
  }
  survey.problem = splitter.end();
  return survey;
}

function take(survey: Survey, piece: Piece, file: SourceFile, providers: ProviderDirectory): void {
  if (piece.kind === "member") {
    if (piece.key === "resourceType") survey.isBundle = piece.text === '"Bundle"';
    if (piece.key === "type") survey.type = piece.text;
    return;
  }
  const kept = readPiece(piece, file);
  if (kept.entry.ok) {
    if (!survey.links.add(kept.entry.value)) survey.tooMany = true;
    providers.add(kept.entry.value, file.providers);
  } else if (piece.kind === "item") {
    const known = salvaged(piece.text);
    if (known !== null) survey.links.add(known);
  }
  survey.kept?.push(kept);
}

function readPiece(piece: Exclude<Piece, { kind: "member" }>, file: SourceFile): Kept {
  const place = { file: file.name, entry: piece.index };
  if (piece.kind === "item") return { place, entry: readBundleEntry(piece.text) };
  return {
    place,
    entry: refuse("body-too-large", {
      detail: `An entry may have ${importLimits.entryBytes} bytes.`,
    }),
  };
}

function single(survey: Survey): Result<Entry> {
  if (survey.kept === null)
    return refuse("body-too-large", { detail: "A file as large as this must be a Bundle." });
  return readResource(survey.text);
}

function badBundle({ type, tooMany }: Survey): Problem | null {
  if (tooMany) {
    const detail = `A Bundle may have ${importLimits.bundleEntries} entries. Split the file, or use NDJSON.`;
    return problem("body-too-large", { detail });
  }
  const named = type?.replaceAll('"', "") ?? "";
  if (takenTypes.has(named)) return null;
  const detail = "Only transaction, batch, collection and searchset Bundles are imported.";
  return problem("resource-invalid", { at: "Bundle.type", detail });
}

function patientsFirst(kept: readonly Kept[]): readonly Kept[] {
  const isPatient = ({ entry }: Kept): boolean => entry.ok && entry.value.type === "Patient";
  return [...kept.filter(isPatient), ...kept.filter((one) => !isPatient(one))];
}

/** Second pass over a file that is too large to be held. */
async function* readAgain(file: SourceFile, links: BundleLinks): AsyncGenerator<Found> {
  const splitter = createSplitter(importLimits.entryBytes);
  for await (const part of textParts(file)) {
    if (!part.ok) return;
    const { pieces } = splitter.push(part.text);
    for (const piece of pieces) {
      if (piece.kind !== "member")
        yield { ...readPiece(piece, file), links, bytesRead: part.bytesRead };
    }
  }
}
