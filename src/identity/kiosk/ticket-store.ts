import { toIso, type Instant } from "#core/clock.ts";
import type { AccountId, ResourceId } from "#core/ids.ts";
import type { Queryable } from "#storage/database.ts";

export interface NewTicket {
  readonly codeBlind: Buffer;
  /** The kiosk that may take it; null for the one at which the patient types it. */
  readonly kiosk: AccountId | null;
  readonly patient: ResourceId;
  /** FHIR id of an Encounter. */
  readonly visit: ResourceId;
  /** FHIR id of the Practitioner who hands over; null when the patient does herself. */
  readonly handedBy: ResourceId | null;
  readonly madeBy: AccountId;
  readonly now: Instant;
  readonly expiresAt: Instant;
  /** How many of this maker may wait at once, this one included. */
  readonly most: number;
}

/** False when too many of the maker's wait, or the kiosk is not set up. */
export async function insertTicket(db: Queryable, ticket: NewTicket): Promise<boolean> {
  const rows = await db.query<{ readonly made: number }>(
    `INSERT INTO identity.kiosk_ticket
        (code_blind, kiosk, patient, visit, handed_by, made_by, expires_at)
      SELECT $1::bytea, $2::uuid, $3::text, $4::text, $5::text, $6::uuid, $7::timestamptz
      WHERE (SELECT count(*) FROM identity.kiosk_ticket
          WHERE made_by = $6::uuid AND expires_at > $8::timestamptz) < $9::integer
        AND ($2::uuid IS NULL OR EXISTS (SELECT FROM identity.kiosk
          WHERE id = $2::uuid AND jkt IS NOT NULL AND withdrawn_at IS NULL))
      RETURNING 1 AS made`,
    [
      ticket.codeBlind,
      ticket.kiosk,
      ticket.patient,
      ticket.visit,
      ticket.handedBy,
      ticket.madeBy,
      toIso(ticket.expiresAt),
      toIso(ticket.now),
      ticket.most,
    ],
  );
  return rows.length === 1;
}

export type TicketRow = {
  readonly patient: string;
  readonly visit: string;
  readonly handedBy: string | null;
};

/** Takes the ticket so that nobody takes it again; null when it is none, over, or another kiosk's. */
export async function takeTicket(
  tx: Queryable,
  asked: { readonly codeBlind: Buffer; readonly kiosk: string; readonly now: Instant },
): Promise<TicketRow | null> {
  const [row] = await tx.query<TicketRow>(
    `DELETE FROM identity.kiosk_ticket
      WHERE code_blind = $1 AND expires_at > $3 AND (kiosk IS NULL OR kiosk = $2)
      RETURNING patient, visit, handed_by AS "handedBy"`,
    [asked.codeBlind, asked.kiosk, toIso(asked.now)],
  );
  return row ?? null;
}

/** What makes a session a kiosk's: the visit it is for, and who handed it over. */
export async function tieSession(
  tx: Queryable,
  session: string,
  { visit, handedBy }: TicketRow,
): Promise<void> {
  await tx.query("UPDATE identity.session SET kiosk_visit = $2, handed_by = $3 WHERE id = $1", [
    session,
    visit,
    handedBy,
  ]);
}
