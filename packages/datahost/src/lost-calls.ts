import { AerostackError } from "@aerostack/contracts/errors";

/** What becomes of a call whose answer was lost because the data host's process ended. */
export type LostCallPolicy =
  /** Asked again: it only reads, or does the same however often it is done. */
  | "repeat"
  /** Asked again with the id that it was sent with: the host knows whether it was committed. */
  | "resolve"
  /** Its transaction was rolled back. */
  | "expired"
  /** It may have been done; only its caller can tell whether to do it again. */
  | "uncertain";

const RESOLVED = new Set(["db.query", "db.batch", "db.exec"]);

const REPEATED = new Set([
  "db.list",
  "db.delete",
  "changes.watch",
  "changes.ack",
  "grants.register",
  "grants.revoke",
  "project.delete",
  "host.stats",
  "host.ping",
  "kv.get",
  "kv.getMany",
  "kv.list",
  "kv.namespaces",
  "kv.put",
  "kv.putMany",
  "kv.delete",
  "kv.deleteMany",
  "objects.head",
  "objects.list",
  "objects.buckets",
  "objects.locate",
  "objects.setAttributes",
  "objects.hasBucket",
  "objects.listParts",
  "objects.listUploads",
  "objects.findUpload",
  "objects.readLifecycle",
  "objects.writeLifecycle",
  "objects.delete",
  "queue.list",
  "queue.stats",
  "queue.peek",
  "queue.pending",
  "queue.nextDue",
  "queue.job",
  "queue.jobs",
  "queue.cancel",
]);

const EXPIRED = new Set(["tx.query", "tx.rollback"]);

export function lostCallPolicy(method: string): LostCallPolicy {
  if (RESOLVED.has(method)) return "resolve";
  if (REPEATED.has(method)) return "repeat";
  return EXPIRED.has(method) ? "expired" : "uncertain";
}

/** What the caller is told where a call cannot be asked again. */
export function lostCallError(method: string): AerostackError {
  if (lostCallPolicy(method) === "expired") return new AerostackError("DB_TRANSACTION_EXPIRED");
  if (/^(?:db|tx)\./.test(method)) return new AerostackError("DB_WRITE_UNCERTAIN");
  return new AerostackError("SERVICE_UNAVAILABLE", {
    message: "The data service stopped while this ran; it may have been done.",
    fix: "Look at the current state before doing it again.",
  });
}
