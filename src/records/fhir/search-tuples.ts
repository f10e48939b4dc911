import { isObject, type JsonObject } from "#records/fhir/json-value.ts";
import {
  alternativesOf,
  compilePath,
  compileWithin,
  typeAt,
  type Reader,
} from "#records/fhir/paths.ts";

/** One part of a composite search parameter. */
export interface Part {
  /** The canonical url of the SearchParameter that it stands for. */
  readonly definition: string;
  /** Its path within an element of the composite. */
  readonly expression: string;
}

type PartReader = (element: JsonObject, resource: JsonObject) => readonly unknown[];

const ofResource = "%resource.";

function partReader({ expression }: Part, element: string, type: string): PartReader {
  const readers = alternativesOf(expression).map((path): PartReader => {
    if (path.startsWith(ofResource)) {
      const read = compilePath(`${type}.${path.slice(ofResource.length)}`, type);
      return (_, resource) => read(resource);
    }
    return compileWithin(path, element);
  });
  return (value, resource) => readers.flatMap((read) => read(value, resource));
}

/** Reads, of every element at one path, the values of each part; nothing of one that lacks a part. */
export function compileTuples(path: string, type: string, parts: readonly Part[]): Reader {
  const element = typeAt(path, type);
  if (element === null) return () => [];
  const elements = path === type ? (resource: JsonObject) => [resource] : compilePath(path, type);
  const readers = parts.map((part) => partReader(part, element, type));
  return (resource) =>
    elements(resource).flatMap((value) => {
      const tuple = isObject(value) ? readers.map((read) => read(value, resource)) : [];
      return tuple.length > 0 && tuple.every((values) => values.length > 0) ? [tuple] : [];
    });
}
