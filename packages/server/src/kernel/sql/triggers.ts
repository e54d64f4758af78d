import { type Kysely, sql as raw } from "kysely";
import type { SqlDialect } from "./sql.ts";

/** Makes the database refuse every change of a row that is written, and on PostgreSQL the emptying of the table too. */
export async function makeAppendOnly(dialect: SqlDialect, db: Kysely<unknown>, table: string): Promise<void> {
  const message = raw.lit(`${table} is append-only`);
  if (dialect === "sqlite") {
    for (const event of ["update", "delete"] as const) {
      await raw`create trigger ${raw.id(`${table}_no_${event}`)} before ${raw.raw(event)} on ${raw.table(table)}
        begin select raise(abort, ${message}); end`.execute(db);
    }
    return;
  }
  const refuse = raw.id(`${table}_refuse`);
  await raw`create function ${refuse}() returns trigger language plpgsql as
    $$ begin raise exception '%', ${message}; end $$`.execute(db);
  await raw`create trigger ${raw.id(`${table}_no_change`)} before update or delete on ${raw.table(table)}
    for each row execute function ${refuse}()`.execute(db);
  await raw`create trigger ${raw.id(`${table}_no_truncate`)} before truncate on ${raw.table(table)}
    for each statement execute function ${refuse}()`.execute(db);
}

export interface CopiedColumn {
  readonly from: string;
  readonly column: string;
  readonly to: string;
  readonly as: string;
}

/** Makes the database copy one column of every row that is inserted into another table, in the same transaction. */
export async function copyInserted(dialect: SqlDialect, db: Kysely<unknown>, copied: CopiedColumn): Promise<void> {
  const { from, column, to, as } = copied;
  const insert = raw`insert into ${raw.table(to)} (${raw.id(as)}) values (new.${raw.id(column)})`;
  const trigger = raw.id(`${from}_to_${to}`);
  if (dialect === "sqlite") {
    await raw`create trigger ${trigger} after insert on ${raw.table(from)} begin ${insert}; end`.execute(db);
    return;
  }
  await raw`create function ${trigger}() returns trigger language plpgsql as
    $$ begin ${insert}; return new; end $$`.execute(db);
  await raw`create trigger ${trigger} after insert on ${raw.table(from)}
    for each row execute function ${trigger}()`.execute(db);
}
