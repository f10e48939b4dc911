import { toIso } from "#core/clock.ts";
import type { ChartSide } from "#core/wire.ts";
import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { nameIn } from "#records/names.ts";
import type { OpenedRow } from "#records/opening.ts";

const textOf = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value : null;

const joined = (parts: readonly unknown[], between: string): string =>
  parts.flatMap((part) => textOf(part) ?? []).join(between);

function texts(list: unknown, read: (item: JsonObject) => string): readonly string[] {
  return listOf(list)
    .flatMap((item) => (isObject(item) ? [read(item)] : []))
    .filter((text) => text !== "");
}

const addressText = ({ text, line, city, state, postalCode }: JsonObject): string =>
  textOf(text) ?? joined([...listOf(line), city, joined([state, postalCode], " ")], ", ");

/** What of an opened Patient is compared by a person. */
export function sideOf({ row, value }: OpenedRow): ChartSide {
  const patient: JsonObject = isObject(value) ? value : {};
  return {
    id: row.id,
    version: row.version,
    name: nameIn(value),
    birthDate: textOf(patient.birthDate),
    gender: textOf(patient.gender),
    identifiers: texts(patient.identifier, ({ value: number }) => textOf(number) ?? ""),
    telecom: texts(patient.telecom, ({ value: contact }) => textOf(contact) ?? ""),
    addresses: texts(patient.address, addressText),
    lastUpdated: toIso(row.lastUpdated),
  };
}
