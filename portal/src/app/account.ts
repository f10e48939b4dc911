import { useMemo } from "react";
import { createAccount, type Account } from "../api/account.ts";
import { useApp } from "./context.ts";

/** What the account pages ask of the server, for the open session. */
export function useAccount(): Account {
  const { session } = useApp();
  return useMemo(() => createAccount(session), [session]);
}
