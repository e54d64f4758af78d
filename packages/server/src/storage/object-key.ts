import { AerostackError } from "@aerostack/contracts";
import { MAX_KEY_BYTES } from "@aerostack/datahost";

export { MAX_KEY_BYTES };

/**
 * Checks a key that came from outside. Functions may use any text, as in R2; what comes by HTTP may not hold what a client,
 * proxy or tool on the way could take for a path of its own: `..` segments, a leading slash, NUL, bytes that are no text.
 *
 * @throws STORAGE_KEY_INVALID
 */
export function checkObjectKey(key: string): string {
  const reason = whatIsWrong(key);
  if (reason === undefined) return key;
  throw new AerostackError("STORAGE_KEY_INVALID", { message: `The object key is not valid: ${reason}.` });
}

function whatIsWrong(key: string): string | undefined {
  if (key === "") return "it is empty";
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  if (key.includes("\0")) return "it holds a NUL character";
  // Also what a decoder puts in the place of bytes that are no UTF-8.
  if (!key.isWellFormed() || key.includes("\ufffd")) return "it is no UTF-8 text";
  if (key.startsWith("/")) return "it begins with a slash";
  if (key.split("/").some((segment) => segment === ".." || segment === ".")) return "it has a '.' or '..' segment";
  return undefined;
}

/** A key as an address spells it: decoded once, slashes as they are. @throws STORAGE_KEY_INVALID */
export function decodeObjectKey(path: string): string {
  let key: string;
  try {
    key = decodeURIComponent(path);
  } catch (cause) {
    throw new AerostackError("STORAGE_KEY_INVALID", {
      message: "The object key is not valid: it is no percent-encoded UTF-8.",
      cause,
    });
  }
  return checkObjectKey(key);
}

/** The path that `decodeObjectKey` reads. */
export function encodeObjectKey(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}
