import type { Clock } from "@aerostack/kernel";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { type ChangeCapture, createChangeCapture } from "./change-capture.ts";
import { createChangeLog } from "./change-log.ts";

/** What a SQL process is told of a watch. */
export interface ChildWatch {
  readonly tables: readonly string[];
  readonly acknowledgedSeq: number;
}

/** The changes that transactions of a SQL process make in watched tables: logged with them, and told by the host. */
export interface ChildChanges {
  /** Before the statements of a request; undefined: nothing is watched. */
  watch(watch: ChildWatch | undefined): void;
  /** Around a statement that changes the schema. */
  beforeDdl(): void;
  afterDdl(): void;
  /** After the schema may have changed, and with it which triggers there are. */
  forgetSchema(): void;
  readonly mark: number;
  rewind(mark: number): void;
  /** The last thing within a transaction. */
  append(): void;
  undone(): void;
}

export function createChildChanges(db: SqliteDatabase, clock: Clock): ChildChanges {
  const log = createChangeLog(db, clock);
  let capture: ChangeCapture | undefined;
  let current: ChildWatch | undefined;
  /** The tables that triggers were made for; undefined where that is not certain. */
  let installedFor: string | undefined = "";

  function install(): void {
    const wanted = (current?.tables ?? []).join("\n");
    if (installedFor === wanted) return;
    capture ??= createChangeCapture(db);
    capture.install(current?.tables ?? []);
    installedFor = wanted;
  }

  return {
    watch(watch) {
      current = watch;
      if (watch !== undefined || capture !== undefined) install();
    },
    beforeDdl() {
      if (current === undefined) return;
      capture?.remove();
      installedFor = undefined;
    },
    afterDdl() {
      if (current !== undefined) install();
    },
    forgetSchema() {
      if (capture !== undefined) installedFor = undefined;
    },
    get mark() {
      return capture?.mark ?? 0;
    },
    rewind: (mark) => capture?.rewind(mark),
    append() {
      const sets = capture?.take() ?? [];
      // Others write between the transactions of this process.
      log.forget();
      if (sets.length > 0) log.append(sets, current?.acknowledgedSeq ?? 0);
    },
    undone: () => capture?.clear(),
  };
}
