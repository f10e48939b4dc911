import type { AuditAction, AuditEntry } from "#core/audit-entry.ts";

/** What makes or changes a resource. */
export const writingActions = [
  "create",
  "update",
  "delete",
  "import",
  "merge",
  "unmerge",
] as const satisfies readonly AuditAction[];

const writing: ReadonlySet<AuditAction> = new Set(writingActions);

/** The resource that an entry says was written, `Type/id`; null for any other entry. */
export function writtenBy(entry: AuditEntry): string | null {
  const { action, decision, resourceType, resourceId } = entry;
  if (decision !== "permit" || !writing.has(action)) return null;
  return resourceType === null || resourceId === null ? null : `${resourceType}/${resourceId}`;
}
