import { laterBy, toIso, type Clock } from "#core/clock.ts";
import type { AccountId } from "#core/ids.ts";
import { problem } from "#core/problem.ts";
import type { Random } from "#core/random.ts";
import type { OwnPasskey } from "#core/wire.ts";
import type { Act, Call, CallHandler, Calls, Deed } from "#identity/calls/calls.ts";
import { withdrawAttestation } from "#identity/devices/attestation-store.ts";
import { answer, problemAnswer } from "#identity/http/answer.ts";
import { textOf } from "#identity/http/body.ts";
import { identityLimits } from "#identity/limits.ts";
import {
  deletePasskey,
  hasPassword,
  listPasskeys,
  lockFactors,
  putOffer,
  renamePasskey,
  takeOffer,
  type OwnPasskeyRow,
} from "#identity/passkeys/own-passkey-store.ts";
import type { NewPasskey } from "#identity/passkeys/passkey-store.ts";
import { passkeyNamePurpose, type Passkeys } from "#identity/passkeys/passkey.ts";
import { addNotice } from "#identity/recovery/notice-store.ts";
import { openText, sealText } from "#identity/sealed.ts";
import type { Database } from "#storage/database.ts";
import type { Sealer } from "#vault/sealer.ts";

export interface OwnPasskeyDeps {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly calls: Calls;
  readonly passkeys: Passkeys;
}

export interface OwnPasskeys {
  /** `{ items: OwnPasskey[] }`, oldest first. */
  readonly passkeys: CallHandler;
  /** `{ options }` of WebAuthn for one passkey more; good for 5 minutes and this session. */
  readonly passkeyOptions: CallHandler;
  /** `{ name, credential }`, the browser's answer to the options. */
  readonly addPasskey: CallHandler;
  /** `{ name }`. */
  readonly renamePasskey: CallHandler;
  /** Refused as "last-factor" when nothing would be left to sign in with. */
  readonly removePasskey: CallHandler;
}

const deed = (name: string): Deed => ({ action: "account-change", name });
const nameOf = ({ request }: Call): string | null =>
  textOf(request.body, "name", identityLimits.passkeyNameChars);
const nameWrong = problemAnswer(problem("parameter-invalid", { at: "name" }));
const notFound = problemAnswer(problem("not-found"));

function shown(sealer: Sealer, row: OwnPasskeyRow): OwnPasskey {
  return {
    id: row.id,
    name: openText(
      sealer,
      passkeyNamePurpose(row.credentialId.toString("base64url")),
      row.nameSealed,
    ),
    isSynced: row.backedUp,
    createdAt: toIso(row.createdAt),
    lastUsedAt: row.lastUsedAt === null ? null : toIso(row.lastUsedAt),
  };
}

const list =
  ({ db, sealer }: OwnPasskeyDeps): Act =>
  async ({ account }) => {
    const rows = await listPasskeys(db, account.id);
    return answer({ items: rows.map((row) => shown(sealer, row)) });
  };

const offer =
  ({ db, clock, random, passkeys }: OwnPasskeyDeps): Act =>
  async ({ account, claims }) => {
    const challenge = random.bytes(32);
    const options = await passkeys.offer(account, challenge);
    if (options === null) return problemAnswer(problem("limit-reached"));
    const endsAt = laterBy(clock.now(), identityLimits.challengeMs);
    await putOffer(db, { session: claims.session, challenge, endsAt });
    return answer({ options });
  };

const keep = (
  { db, clock, passkeys }: OwnPasskeyDeps,
  made: NewPasskey,
  account: AccountId,
): Promise<boolean> =>
  db.transaction(async (tx) => {
    if (!(await passkeys.keep(tx, made))) return false;
    await addNotice(tx, account, "passkey-added", clock.now());
    return true;
  });

const add =
  (deps: OwnPasskeyDeps): Act =>
  async (call) => {
    const { db, clock, passkeys } = deps;
    const { account, claims, request } = call;
    const passkeyName = nameOf(call);
    if (passkeyName === null) return nameWrong;
    const challenge = await takeOffer(db, claims.session, clock.now());
    const made =
      challenge === null
        ? null
        : await passkeys.accept(request.body["credential"], challenge, {
            account: account.id,
            passkeyName,
          });
    if (made === null || !(await keep(deps, made, account.id)))
      return problemAnswer(problem("passkey-refused"));
    const all = await listPasskeys(db, account.id);
    const id = all.find(({ credentialId }) => credentialId.equals(made.credentialId))?.id;
    return answer({ id, name: passkeyName }, 201);
  };

const rename =
  ({ db, sealer }: OwnPasskeyDeps): Act =>
  async (call) => {
    const name = nameOf(call);
    if (name === null) return nameWrong;
    const hers = await listPasskeys(db, call.account.id);
    const row = hers.find(({ id }) => id === call.request.id);
    if (row === undefined) return notFound;
    const purpose = passkeyNamePurpose(row.credentialId.toString("base64url"));
    const renamed = await renamePasskey(db, row.credentialId, sealText(sealer, purpose, name));
    return renamed ? answer({ id: row.id, name }) : notFound;
  };

const remove =
  ({ db, clock }: OwnPasskeyDeps): Act =>
  ({ account, request }) =>
    db.transaction(async (tx) => {
      await lockFactors(tx, account.id);
      const hers = await listPasskeys(tx, account.id);
      const gone = hers.find(({ id }) => id === request.id);
      if (gone === undefined) return notFound;
      const hasOther = hers.length > 1 || (await hasPassword(tx, account.id));
      if (!hasOther) return problemAnswer(problem("last-factor"));
      await deletePasskey(tx, request.id);
      await withdrawAttestation(tx, gone.credentialId.toString("base64url"), clock.now());
      await addNotice(tx, account.id, "passkey-removed", clock.now());
      return answer({ removed: true });
    });

export function createOwnPasskeys(deps: OwnPasskeyDeps): OwnPasskeys {
  const { calls } = deps;
  return {
    passkeys: calls.read(list(deps)),
    passkeyOptions: calls.sensitive(deed("passkey-options"), offer(deps)),
    addPasskey: calls.sensitive(deed("passkey-added"), add(deps)),
    renamePasskey: calls.change(deed("passkey-renamed"), rename(deps)),
    removePasskey: calls.sensitive(deed("passkey-removed"), remove(deps)),
  };
}
