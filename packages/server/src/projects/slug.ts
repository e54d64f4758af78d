import { randomText } from "@aerostack/kernel";

/** Leaves room in a DNS label for a suffix. */
const MAX_SLUG_CHARACTERS = 40;
const SUFFIX_CHARACTERS = 5;
const FALLBACK = "project";
/** Hosts of the platform's own stand in a project's place: `<bucket>.s3.<domain>`. */
const RESERVED: ReadonlySet<string> = new Set(["s3"]);

/** A name as a DNS label: "Müller & Söhne" becomes "muller-sohne". */
export function slugOf(name: string): string {
  const slug = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, MAX_SLUG_CHARACTERS)
    .replace(/^-+|-+$/g, "");
  if (slug === "") return FALLBACK;
  return RESERVED.has(slug) ? `${slug}-${FALLBACK}` : slug;
}

/** The slug to try when the plain one is taken. */
export function withSuffix(slug: string): string {
  return `${slug}-${randomText(SUFFIX_CHARACTERS)}`;
}
