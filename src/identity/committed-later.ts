/**
 * In the FROM of a statement: it commits without waiting for the disk. Only for what is followed by
 * the entry in the log that the answer waits for: that is committed later, in the same database, and
 * waits for all that was written before it. What a crash takes back was answered to nobody.
 */
export const committedLater = `set_config('synchronous_commit', 'off', true)`;
