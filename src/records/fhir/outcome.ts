/** An OperationOutcome that tells of success, for callers who prefer one (R4 §3.1.0.1.7). */
export function successOutcome(done: "created" | "updated" | "deleted" | "found"): string {
  return JSON.stringify({
    resourceType: "OperationOutcome",
    issue: [{ severity: "information", code: "informational", details: { text: texts[done] } }],
  });
}

const texts = {
  created: "The resource was created.",
  updated: "A new version of the resource was stored.",
  deleted: "The resource was deleted; its history stays.",
  found: "The resource was there already; nothing was written.",
} as const;
