import { isObject, listOf, type JsonObject } from "#records/fhir/json-value.ts";
import { compareHeld, fitsPattern } from "#records/fhir/profiles/held.ts";
import type { Terminology } from "#records/fhir/terminology/terminology.ts";

/** What is wrong with one answer to a question, in words without its value; empty when nothing is. */

/** The keys that an answer to a question of this type may have (R4 §11.5.1, Questionnaire.item.type). */
const answerKeys: Readonly<Record<string, readonly string[]>> = {
  boolean: ["valueBoolean"],
  decimal: ["valueDecimal", "valueInteger"],
  integer: ["valueInteger"],
  date: ["valueDate"],
  dateTime: ["valueDateTime"],
  time: ["valueTime"],
  string: ["valueString"],
  text: ["valueString"],
  url: ["valueUri"],
  choice: [
    "valueCoding",
    "valueString",
    "valueInteger",
    "valueDate",
    "valueTime",
    "valueReference",
  ],
  "open-choice": [
    "valueCoding",
    "valueString",
    "valueInteger",
    "valueDate",
    "valueTime",
    "valueReference",
  ],
  attachment: ["valueAttachment"],
  reference: ["valueReference"],
  quantity: ["valueQuantity"],
};

const core = "http://hl7.org/fhir/StructureDefinition/";
const sdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-";

/** The values of an item's extensions of this url. */
function* extensionValues(item: JsonObject, url: string): Generator {
  for (const extension of listOf(item.extension)) {
    if (!isObject(extension) || extension.url !== url) continue;
    for (const key in extension) if (key.startsWith("value")) yield extension[key];
  }
}

export function extensionOf(item: JsonObject, name: string): unknown {
  for (const url of [core + name, sdc + name])
    for (const value of extensionValues(item, url)) return value;
  return undefined;
}

export function valueKeyOf(answer: JsonObject): string | null {
  for (const key in answer) if (/^value[A-Z]/.test(key)) return key;
  return null;
}

function optionValues(item: JsonObject): readonly (readonly [key: string, value: unknown])[] {
  return listOf(item.answerOption).flatMap((option) => {
    const key = isObject(option) ? valueKeyOf(option) : null;
    return isObject(option) && key !== null ? [[key, option[key]] as const] : [];
  });
}

/** Of a Coding, system and code count; display is for people. */
function bare(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { system, code } = value;
  return { ...(system === undefined ? {} : { system }), ...(code === undefined ? {} : { code }) };
}

function isFree(item: JsonObject, key: string): boolean {
  return item.type === "open-choice" && key === "valueString";
}

function optionFault(item: JsonObject, key: string, value: unknown): string | null {
  const options = optionValues(item);
  if (options.length === 0 || isFree(item, key)) return null;
  const isOne = options.some(([kind, option]) => kind === key && fitsPattern(value, bare(option)));
  return isOne ? null : "is none of the answers that the questionnaire offers";
}

function valueSetFault(
  { answerValueSet, type }: JsonObject,
  key: string,
  value: unknown,
  terminology: Terminology,
): string | null {
  if (typeof answerValueSet !== "string") return null;
  const set = terminology.valueSet(answerValueSet);
  if (set === null) return null;
  if (key === "valueString")
    return type === "choice" ? "must be a coding of the questionnaire's value set" : null;
  if (!isObject(value) || typeof value.code !== "string") return null;
  const { system, code } = value;
  const isIn = typeof system === "string" ? set.has(system, code) : set.hasCode(code);
  return isIn === false ? "is not in the value set of the questionnaire" : null;
}

function decimals(text: string): number {
  return /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
}

function rangeFaults(item: JsonObject, value: unknown): readonly string[] {
  const least = extensionOf(item, "minValue") ?? extensionOf(item, "minQuantity");
  const most = extensionOf(item, "maxValue") ?? extensionOf(item, "maxQuantity");
  const faults: string[] = [];
  for (const [limit, sign, word] of [
    [least, -1, "less"],
    [most, 1, "more"],
  ] as const) {
    if (limit === undefined) continue;
    const order = compareHeld(value, limit);
    if (order === null) faults.push("cannot be compared with the questionnaire's limit");
    else if (order * sign > 0) faults.push(`is ${word} than the questionnaire allows`);
  }
  return faults;
}

function lengthFaults(item: JsonObject, value: unknown): readonly string[] {
  if (typeof value === "number") {
    const places = extensionOf(item, "maxDecimalPlaces");
    const tooFine = typeof places === "number" && decimals(String(value)) > places;
    return tooFine ? ["has more decimal places than the questionnaire allows"] : [];
  }
  if (typeof value !== "string") return [];
  const least = extensionOf(item, "minLength");
  const tooLong = typeof item.maxLength === "number" && value.length > item.maxLength;
  const tooShort = typeof least === "number" && value.length < least;
  return [
    ...(tooLong ? ["is longer than the questionnaire allows"] : []),
    ...(tooShort ? ["is shorter than the questionnaire allows"] : []),
  ];
}

function attachmentFaults(item: JsonObject, value: JsonObject): readonly string[] {
  const most = extensionOf(item, "maxSize");
  const { size, data, contentType } = value;
  const bytes =
    typeof data === "string"
      ? Buffer.byteLength(data, "base64")
      : typeof size === "number"
        ? size
        : 0;
  const types = [...extensionValues(item, `${core}mimeType`)];
  const faults: string[] = [];
  if (typeof most === "number" && bytes > most)
    faults.push("is larger than the questionnaire allows");
  if (types.length > 0 && !types.includes(contentType))
    faults.push("is of a media type that the questionnaire does not allow");
  return faults;
}

function unitFaults(
  item: JsonObject,
  { system, code }: JsonObject,
  terminology: Terminology,
): readonly string[] {
  const units = [...extensionValues(item, `${core}questionnaire-unitOption`)];
  const set = extensionOf(item, "questionnaire-unitValueSet");
  const wrong = "has a unit that the questionnaire does not allow";
  if (units.length > 0 && !units.some((unit) => fitsPattern({ system, code }, bare(unit))))
    return [wrong];
  const found = typeof set === "string" ? terminology.valueSet(set) : null;
  const isIn = found?.has(String(system), String(code)) ?? null;
  return isIn === false ? [wrong] : [];
}

function referenceFaults(item: JsonObject, { reference }: JsonObject): readonly string[] {
  const types = [...extensionValues(item, `${core}questionnaire-referenceResource`)];
  const type =
    typeof reference === "string"
      ? /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(reference)?.[1]
      : undefined;
  return types.length > 0 && type !== undefined && !types.includes(type)
    ? ["points to a type that the questionnaire does not allow"]
    : [];
}

/** Everything that is wrong with an answer to this item. */
export function answerFaults(
  item: JsonObject,
  answer: JsonObject,
  terminology: Terminology,
): readonly string[] {
  const key = valueKeyOf(answer);
  if (key === null) return [];
  const value = answer[key];
  const allowed = answerKeys[String(item.type)];
  if (allowed !== undefined && !allowed.includes(key))
    return ["is not of the type that the questionnaire asks for"];
  const chosen = [
    optionFault(item, key, value),
    valueSetFault(item, key, value, terminology),
  ].filter((fault) => fault !== null);
  const ofObject = isObject(value)
    ? [
        ...(key === "valueAttachment" ? attachmentFaults(item, value) : []),
        ...(key === "valueQuantity" ? unitFaults(item, value, terminology) : []),
        ...(key === "valueReference" ? referenceFaults(item, value) : []),
      ]
    : [];
  return [...chosen, ...rangeFaults(item, value), ...lengthFaults(item, value), ...ofObject];
}
