import { useMemo } from "react";
import { createEmergencies, type Emergencies } from "../api/emergencies.ts";
import { useApp } from "./context.ts";

/** What pages about emergencies ask of the server, for the open session. */
export function useEmergencies(): Emergencies {
  const { session } = useApp();
  return useMemo(() => createEmergencies(session), [session]);
}
