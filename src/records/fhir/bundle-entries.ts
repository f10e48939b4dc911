import { scanJson, type ScannedJson } from "#core/json.ts";
import { limits } from "#core/limits.ts";
import { itemsOfArray } from "#records/fhir/json-text.ts";

/** A Bundle's text and where its keys stand. */
export interface ScannedBundle {
  readonly text: string;
  readonly scanned: ScannedJson;
}

/** The text of each entry, as it stands in the Bundle; none without entries. */
export function entryTexts({ text, scanned }: ScannedBundle): readonly string[] {
  const span = scanned.topLevel.get("entry");
  return span === undefined ? [] : itemsOfArray(text.slice(span.start, span.end));
}

/** The text of an entry's resource, as it stands there; null when it has none. */
export function resourceText(entry: string): string | null {
  const scanned = scanJson(entry, limits.jsonDepth);
  const inner = scanned.ok ? scanned.value.topLevel.get("resource") : undefined;
  return inner === undefined ? null : entry.slice(inner.start, inner.end);
}
