/**
 * What addresses have in common that somebody makes by the dozen: `user1@example.com` and `user22@example.com` are
 * `user#@example.com`, and `ada+1@example.com` and `ada+shop@example.com` are `ada+#@example.com`. Null for an address that
 * shows nothing of the kind.
 */
export function emailPattern(email: string | null): string | null {
  if (email === null) return null;
  const at = email.lastIndexOf("@");
  const domain = email.slice(at + 1);
  const [name = "", tag] = email.slice(0, at).split("+", 2);
  const shape = name.replace(/\d+/g, "#");
  if (tag !== undefined) return `${shape}+#@${domain}`;
  return shape === name ? null : `${shape}@${domain}`;
}
