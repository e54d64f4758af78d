import type { DisclosureCategory, LegalSubjectKind } from "@aerostack/contracts";
import type { ZipFile } from "./zip-stream.ts";

/** Whose data is disclosed, and what of the installation is theirs. */
export interface DisclosedSubject {
  readonly kind: LegalSubjectKind;
  readonly id: string;
  /** The project itself, a user's, or those that are the account's or organisation's, deleted ones that are kept back among them. */
  readonly projectIds: readonly string[];
}

/** The files of one category; none where nothing is there. */
export type DisclosureSource = (subject: DisclosedSubject) => AsyncIterable<ZipFile>;
export type DisclosureSources = Readonly<Record<DisclosureCategory, DisclosureSource>>;

/** What is not kept by user cannot be disclosed of one. */
export const CATEGORIES_OF_USERS: ReadonlySet<DisclosureCategory> = new Set(["profile", "log_ins", "audit"]);

/** Rows as JSON lines. */
export function* jsonLines(rows: Iterable<unknown>): Generator<string> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** A name of ours in an archive, whatever characters it has, that leads nowhere else when it is unpacked. */
export function archivePath(...parts: readonly string[]): string {
  return parts
    .flatMap((part) => part.split("/"))
    .map((segment) => encodeURIComponent(segment).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length)))
    .map((segment) => (segment === "" ? "%" : segment))
    .join("/");
}
