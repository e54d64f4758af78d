import { usageError } from "../command/cli-error.ts";

/** `end_user` is typed and shown as `end-user`, as options are. */
export const hyphened = (kind: string): string => kind.replaceAll("_", "-");

/** The kind that was typed, as the API names it. */
export function kindOf<const Kind extends string>(text: string, kinds: readonly Kind[]): Kind {
  const found = kinds.find((kind) => hyphened(kind) === text || kind === text);
  if (found === undefined) throw usageError(`'${text}' is none of ${kinds.map(hyphened).join(", ")}.`);
  return found;
}
