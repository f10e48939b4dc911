import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { revocationWire } from "#core/revocations.ts";
import { endedSince } from "#identity/sessions/ended-store.ts";
import type { Queryable } from "#storage/database.ts";
import { attempt } from "#storage/storage-problem.ts";

/** Tells each gateway, as it happens, which sessions have ended. */
export interface Revocations {
  /**
   * Answers with a line for each look at the database, until either side closes. While the database
   * does not answer no line comes, so that the gateway knows that it does not know.
   */
  readonly follow: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends every answer under way and begins none any more. */
  readonly end: () => void;
}

const sinceForm = /^\d{1,16}$/;

function sinceOf({ url }: IncomingMessage): number | null {
  const query = new URLSearchParams((url ?? "").split("?")[1] ?? "");
  const text = query.get(revocationWire.since) ?? "";
  return sinceForm.test(text) ? Number(text) : null;
}

export function createRevocations({ db }: { readonly db: Queryable }): Revocations {
  const open = new Set<ServerResponse>();
  let isOver = false;
  const { everyMs, sessionsPerLine } = revocationWire;

  const look = async (response: ServerResponse, since: number | null): Promise<number> => {
    const { epoch, ended } = await endedSince(db, since, sessionsPerLine);
    const named = ended.length > sessionsPerLine ? "all" : ended;
    if (open.has(response)) response.write(`${JSON.stringify({ epoch, ended: named })}\n`);
    return epoch;
  };

  const tell = async (response: ServerResponse, since: number | null): Promise<void> => {
    let epoch = since;
    while (open.has(response)) {
      const seen = await attempt(() => look(response, epoch));
      if (seen.ok) epoch = seen.value;
      // A gateway that does not read is as good as gone.
      if (response.writableNeedDrain) response.destroy();
      await pause(everyMs, null, { ref: false });
    }
  };

  return {
    follow: (request, response) => {
      if (isOver) {
        response.destroy();
        return;
      }
      open.add(response);
      response.once("close", () => open.delete(response));
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      tell(response, sinceOf(request)).catch(() => response.destroy());
    },
    end: () => {
      isOver = true;
      for (const response of open) response.end();
      open.clear();
    },
  };
}
