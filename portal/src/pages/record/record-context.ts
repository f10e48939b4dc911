import { createContext, use } from "react";

/** Whose record is open, and at which address its parts stand. */
export interface OpenRecord {
  readonly patient: string;
  readonly base: string;
  /** Whether someone reads it for the patient's care: words to the patient are left out. */
  readonly isCare: boolean;
}

export const RecordContext = createContext<OpenRecord | null>(null);

/** Throws outside of an open record. */
export function useRecord(): OpenRecord {
  const record = use(RecordContext);
  if (record === null) throw new Error("a part of a record stands outside of a record");
  return record;
}
