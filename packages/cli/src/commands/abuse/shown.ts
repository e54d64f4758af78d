import { BLOCK_KINDS, type BlockKind } from "@aerostack/contracts";
import { usageError } from "../../command/cli-error.ts";

/** `end_user` is typed and shown as `end-user`, as options are. */
export const hyphened = (kind: string): string => kind.replaceAll("_", "-");

/** The kind that was typed, as the API names it. */
export function kindOf<const Kind extends string>(text: string, kinds: readonly Kind[]): Kind {
  const found = kinds.find((kind) => hyphened(kind) === text || kind === text);
  if (found === undefined) throw usageError(`'${text}' is none of ${kinds.map(hyphened).join(", ")}.`);
  return found;
}

export const blockKindOf = (text: string): BlockKind => kindOf(text, BLOCK_KINDS);

/** `2026-06-01 12:00`, UTC. */
export function minutesOf(time: string): string {
  return time.slice(0, "2026-01-01T00:00".length).replace("T", " ");
}
