import type { AccountId } from "#core/ids.ts";
import { unreachable } from "#core/result.ts";
import type {
  AccessDeed,
  AccessRequestLine,
  AccessRequestState,
  AccessRequestWords,
} from "#core/wire.ts";
import type { RegisterRow } from "#records/access-requests/register-row.ts";
import type { AccessRequest, Deed, RequestState } from "#records/access-requests/request.ts";
import { denialGrounds } from "#records/access-requests/rule.ts";

const deedOf = ({ at, role, account }: Deed, reader: AccountId): AccessDeed => ({
  at,
  role,
  byYou: account === reader,
});

function stateOf(now: RequestState, reader: AccountId): AccessRequestState {
  switch (now.state) {
    case "open":
      return { state: "open" };
    case "fulfilled":
      return { ...deedOf(now, reader), state: "fulfilled", how: now.how };
    case "denied": {
      const { reason, inPart } = now;
      const grounds = now.grounds.map((ground) => ({ ground, ...denialGrounds[ground] }));
      return { ...deedOf(now, reader), state: "denied", grounds, reason, inPart };
    }
    case "withdrawn":
      return { ...deedOf(now, reader), state: "withdrawn" };
    default:
      return unreachable(now);
  }
}

function wordsOf(request: AccessRequest, reader: AccountId): AccessRequestWords {
  const { patient, person, asked, wants, form, sendTo, extension, now } = request;
  return {
    patient,
    ...person,
    asked: deedOf(asked, reader),
    wants,
    form,
    sendTo,
    extension:
      extension === null
        ? null
        : {
            ...deedOf(extension, reader),
            reason: extension.reason,
            until: extension.until,
          },
    now: stateOf(now, reader),
  };
}

/** What a reader is told of one request; accounts are told only as the reader's own or not. */
export function lineOf(
  { id, version, askedOn, dueOn, isOpen }: RegisterRow,
  request: AccessRequest | null,
  reader: AccountId,
): AccessRequestLine {
  const words = request === null ? null : wordsOf(request, reader);
  return { id, version, askedOn, dueOn, isOpen, request: words };
}
