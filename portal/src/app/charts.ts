import { useMemo } from "react";
import { createCharts, type Charts } from "../api/charts.ts";
import { useApp } from "./context.ts";

/** What the page about charts of one person asks of the server, for the open session. */
export function useCharts(): Charts {
  const { session } = useApp();
  return useMemo(() => createCharts(session), [session]);
}
