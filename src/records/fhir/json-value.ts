/** An object as JSON.parse gives it; what its keys hold is not yet known. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The array's items, or none where there is no array. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether an element is given, be it only by the extensions of a primitive. */
export function has(value: JsonObject, key: string): boolean {
  return key in value || `_${key}` in value;
}

/** Whether a choice of types is given: for the step `value`, valueString or any other. */
export function hasChoice(value: JsonObject, step: string): boolean {
  for (const key in value) {
    const name = key.startsWith("_") ? key.slice(1) : key;
    const after = name.charCodeAt(step.length);
    if (name.startsWith(step) && after >= 65 && after <= 90) return true;
  }
  return false;
}
