import { useMemo } from "react";
import { createRecords, type Records } from "../api/records.ts";
import { useApp } from "./context.ts";

/** The reader of records for the open session. */
export function useRecords(): Records {
  const { session, origin } = useApp();
  return useMemo(() => createRecords(session.get, origin), [session, origin]);
}
