/**
 * The name of a function, project or resource as the platform spells it: lower case, everything else a dash, dashes
 * collapsed and trimmed. `keep` names further characters that stay.
 */
export function toName(text: string, keep = ""): string {
  return text
    .toLowerCase()
    .replaceAll(new RegExp(`[^a-z0-9${keep}]+`, "g"), "-")
    .replaceAll(/-{2,}/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 63)
    .replace(/-+$/, "");
}

/** Like `toName`, for databases, namespaces, buckets and queues, whose names may hold underscores. */
export function toResourceName(text: string): string {
  return toName(text, "_").replace(/^_+/, "");
}
