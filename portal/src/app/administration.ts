import { useMemo } from "react";
import { createAdministration, type Administration } from "../api/administration.ts";
import { useApp } from "./context.ts";

/** What the administration pages ask of the server, for the open session. */
export function useAdministration(): Administration {
  const { session } = useApp();
  return useMemo(() => createAdministration(session), [session]);
}
