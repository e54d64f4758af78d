// The least that SQL over HTTP can be in Node: parse, look up the prepared statement, run it in the same process, answer.
// No key, no limits, no isolation, no encryption. Usage: node sqlite-http.ts <file>
import type BetterSqlite3 from "better-sqlite3";
import { requireAsServer } from "../server-package.ts";
import { SEED_SQL } from "../workload/seed-sql.ts";
import { announce } from "./announce.ts";
import { listenOnLoopback } from "./listen-on-loopback.ts";

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("Usage: sqlite-http.ts <file>");

const Database = requireAsServer<typeof BetterSqlite3>("better-sqlite3-multiple-ciphers");
const database = new Database(file);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec(SEED_SQL.replaceAll("\n", ";\n"));

const statements = new Map<string, BetterSqlite3.Statement<unknown[]>>();
function prepared(sql: string): BetterSqlite3.Statement<unknown[]> {
  let statement = statements.get(sql);
  if (statement === undefined) {
    statement = database.prepare<unknown[]>(sql);
    statements.set(sql, statement);
  }
  return statement;
}

const url = await listenOnLoopback((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    const { sql, params } = JSON.parse(Buffer.concat(chunks).toString()) as { sql: string; params: unknown[] };
    const results = prepared(sql).all(...params);
    const body = JSON.stringify({ results, count: results.length });
    res.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    res.end(body);
  });
});
announce(url);
