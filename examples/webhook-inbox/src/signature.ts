/** Whether `signature` (hex) is the HMAC-SHA256 of `body`; compared by the runtime in constant time. */
export async function isSigned(body: string, signature: string | null, secret: string): Promise<boolean> {
  if (signature === null || !/^[0-9a-f]{64}$/.test(signature)) return false;
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["verify"]);
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return crypto.subtle.verify("HMAC", key, bytes, encoder.encode(body));
}
