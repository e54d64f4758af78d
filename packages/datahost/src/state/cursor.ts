/** A position in a list, opaque to the caller. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

/** @returns undefined where the text is no cursor of ours. */
export function decodeCursor(cursor: string): (string | number)[] | undefined {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    const isPosition =
      Array.isArray(position) && position.every((part) => typeof part === "string" || typeof part === "number");
    return isPosition ? (position as (string | number)[]) : undefined;
  } catch {
    return undefined;
  }
}
