import type { SerialisedError } from "@aerostack/contracts/errors";
import type { ChildWatch } from "../changes/child-changes.ts";
import type { CommittedWrite } from "../sql/commit-log.ts";
import type { ResultFormat } from "../sql/encode-results.ts";
import type { NumberBinding } from "../sql/values.ts";

/** The first frame that a SQL process gets. */
export interface ChildSettings {
  readonly role: "reader" | "writer";
  /** Who started it. Told and not looked up: the host may be gone before the process has started. */
  readonly hostPid: number;
  readonly maxResultBytes: number;
  readonly maxResultRows: number;
  readonly maxSqlBytes: number;
  readonly maxParameters: number;
  readonly maxValueBytes: number;
  readonly maxDatabaseBytes: number;
  readonly maxSchemaObjects: number;
  readonly maxSchemaBytes: number;
}

export interface ChildDatabase {
  readonly path: string;
  /** Base64, of this file only: the process never sees the master key. */
  readonly key: string;
  /** Tables whose changes are logged with the transaction that makes them. */
  readonly watch?: ChildWatch;
}

export interface ChildQuery {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** What a SQL process is asked to do. One at a time; it answers each with a `ChildAnswer` and a body. */
export type ChildRequest =
  | {
      readonly kind: "run";
      readonly database: ChildDatabase;
      readonly queries: readonly ChildQuery[];
      readonly write: boolean;
      /** Whether the body is the only result, or a list of them. */
      readonly single: boolean;
      readonly format: ResultFormat;
      readonly numbers: NumberBinding;
      readonly writeId?: string;
      /** It may have been committed since this time: then nothing is done and `applied` says so. */
      readonly firstSentAt?: number | undefined;
    }
  | { readonly kind: "tx.begin"; readonly database: ChildDatabase; readonly allowDdl: boolean }
  | {
      readonly kind: "tx.query";
      readonly queries: readonly ChildQuery[];
      readonly single: boolean;
      readonly format: ResultFormat;
      readonly numbers: NumberBinding;
    }
  | { readonly kind: "tx.commit"; readonly writeId?: string }
  | { readonly kind: "tx.rollback" }
  | { readonly kind: "dump"; readonly database: ChildDatabase; readonly maxBytes: number }
  | { readonly kind: "export.open"; readonly database: ChildDatabase }
  | { readonly kind: "export.next" }
  | { readonly kind: "export.close" }
  | { readonly kind: "import.open"; readonly database: ChildDatabase }
  | { readonly kind: "import.chunk"; readonly text: string }
  | { readonly kind: "import.commit"; readonly writeId?: string }
  | { readonly kind: "import.abort" }
  /** Lets go of a file. */
  | { readonly kind: "close"; readonly path: string };

/** The head of an answer; the body is what the request's format says, or nothing. */
export interface ChildAnswer {
  readonly error?: SerialisedError;
  /** A defect of ours or of the machine, for the log. */
  readonly defect?: string;
  /** Statements or pieces that were run. */
  readonly count?: number;
  readonly done?: boolean;
  readonly applied?: CommittedWrite;
}
