import { problemFailure, type Failure } from "../api/failure.ts";

/** Steps of the sign-in page. */
export type SignInPageStep =
  | "passkey"
  | "password"
  | "code"
  /** Back from another house's sign-in page. */
  | "back"
  | "approval"
  | "done"
  | "over";

/**
 * Where a failure leads. A wrong password and a wrong code are told alike and only after both, so
 * both are asked again; a sign-in that is over can only be begun anew.
 */
export function afterFailure(
  step: SignInPageStep,
  failure: Failure,
): { readonly step: SignInPageStep; readonly failure: Failure } {
  if (failure.kind === "signed-out") return over(problemFailure("sign-in-expired"));
  if (failure.kind !== "problem") return { step, failure };
  if (failure.code === "not-found") return over(problemFailure("sign-in-expired"));
  if (failure.code === "sign-in-expired") return over(failure);
  return { step: backTo(step), failure };
}

function backTo(step: SignInPageStep): SignInPageStep {
  if (step === "code") return "password";
  return step === "back" ? "passkey" : step;
}

function over(failure: Failure) {
  return { step: "over", failure } as const;
}
