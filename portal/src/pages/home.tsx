import { Navigate } from "react-router";
import { useSignedIn } from "../app/context.ts";
import { administers, guardsTheLog, hasRecord, isClinician } from "../session/me.ts";
import { GuardHome } from "./guard-home.tsx";
import { PatientHome } from "./patient-home.tsx";
import { NoRecord } from "./record/no-record.tsx";

/** The first page after signing in: it differs by what the person does here. */
export function Component() {
  const { me, patient } = useSignedIn();
  if (isClinician(me)) return <Navigate to="/patients" replace />;
  if (hasRecord(me) && patient !== null) return <PatientHome patient={patient} />;
  if (administers(me) && !guardsTheLog(me)) return <Navigate to="/administration" replace />;
  return guardsTheLog(me) ? <GuardHome /> : <NoRecord />;
}
