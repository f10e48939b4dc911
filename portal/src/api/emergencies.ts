import type { EmergencyAct, EmergencyAsked, EmergencyLine } from "../../../src/core/wire.ts";
import { readOpening, readOpenings } from "../emergency/read.ts";
import { createAskJson, type Asking } from "./ask-json.ts";
import type { Outcome } from "./failure.ts";

/** Opening a chart in an emergency, and looking into that afterwards. */
export interface Emergencies {
  open(asked: EmergencyAsked): Promise<Outcome<EmergencyLine>>;
  /** What the person has open of one patient; all that were opened where `patient` is null. */
  openings(
    patient: string | null,
    signal?: AbortSignal,
  ): Promise<Outcome<readonly EmergencyLine[]>>;
  act(id: string, act: EmergencyAct): Promise<Outcome<EmergencyLine>>;
}

const path = "/api/records/break-glass";

export function createEmergencies(asking: Asking): Emergencies {
  const { get, post } = createAskJson(asking);
  return {
    open: (asked) => post(path, asked, readOpening),
    openings: (patient, signal) => {
      const query = patient === null ? "" : `?${new URLSearchParams({ patient }).toString()}`;
      return get(path + query, readOpenings, signal);
    },
    act: (id, act) => post(`${path}/${id}`, act, readOpening),
  };
}
