import type { Clock } from "#core/clock.ts";
import { parseDeviceId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { Result } from "#core/result.ts";
import { isFresh, type CallHandler, type Calls } from "#identity/calls/calls.ts";
import type { Managing } from "#identity/devices/managing.ts";
import { answer, problemAnswer, type Answer } from "#identity/http/answer.ts";

export interface ManagedCallsDeps {
  readonly clock: Clock;
  readonly calls: Calls;
  /** Of those alone who keep everybody's devices. */
  readonly keepers: Calls;
  readonly managing: Managing;
}

export interface ManagedCalls {
  /**
   * `{ csr }`: DeviceCertificateMade of core/wire.ts, for the very device that asks. The first needs
   * a sign-in of the last 5 minutes; the next ones the certificate before, which the token names.
   */
  readonly certifyDevice: CallHandler;
  /** `{ managedBy }` of any device; null for nobody. */
  readonly enrolDevice: CallHandler;
}

const notFound = problemAnswer(problem("not-found"));

const answerOf = <T>(done: Result<T>): Answer =>
  done.ok ? answer(done.value) : problemAnswer(done.problem);

export function createManagedCalls(deps: ManagedCallsDeps): ManagedCalls {
  const { clock, calls, keepers, managing } = deps;
  return {
    certifyDevice: calls.change(
      { action: "account-change", name: "device-certified", isAboutId: true },
      async (call) => {
        const { claims, request } = call;
        const id = parseDeviceId(request.id);
        // A certificate of one device must not come to stand for another's key.
        if (id === null || id !== claims.device) return notFound;
        if (claims.certificate === null && !isFresh(call, clock))
          return problemAnswer(problem("step-up-needed"));
        return answerOf(await managing.certify(id, request.body));
      },
    ),
    enrolDevice: keepers.sensitive(
      { action: "administer", name: "device-enrolled", isAboutId: true },
      async ({ request }) => {
        const id = parseDeviceId(request.id);
        return id === null ? notFound : answerOf(await managing.enrol(id, request.body));
      },
    ),
  };
}
