import type { TableRow } from "../collections/items/service.ts";
import type { VerifiedEndUser } from "../endusers/sessions/token-verifier.ts";
import type { OutgoingFrame } from "./outgoing-frame.ts";

type Row = Readonly<Record<string, unknown>>;

export type MayReadRow = (projectId: string, row: TableRow, user: VerifiedEndUser | null) => boolean | Promise<boolean>;

/**
 * A change of a row as somebody sees it who may read some rows only: a row that comes into their sight is a new one, one
 * that leaves it is a deleted one, and of what they may not read nothing is told, not even what a row was before.
 *
 * @returns null where they see nothing of it
 */
export async function viewRowChange(
  frame: OutgoingFrame,
  mayRead: (row: Row) => boolean | Promise<boolean>,
): Promise<OutgoingFrame | null> {
  const { old, ...rest } = frame;
  const sawBefore = old !== undefined && (await mayRead(old as Row));
  if (frame.operation === "DELETE") return sawBefore ? frame : null;
  const seesNow = await mayRead(frame.data as Row);
  if (seesNow) return sawBefore ? frame : { ...rest, operation: "INSERT" };
  return sawBefore ? { ...rest, operation: "DELETE", data: old, old } : null;
}
