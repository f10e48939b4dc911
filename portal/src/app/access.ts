import { useMemo } from "react";
import { createAccess, type Access } from "../api/access.ts";
import { useApp } from "./context.ts";

/** What the pages about the right of access ask of the server, for the open session. */
export function useAccess(): Access {
  const { session } = useApp();
  return useMemo(() => createAccess(session), [session]);
}
