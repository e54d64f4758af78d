import { text } from "node:stream/consumers";
import { openSqlite } from "../sql/index.ts";
import { createEnvelope } from "./envelope.ts";
import { SECRETS } from "./reseal-test-support.ts";
import { resealAll } from "./sealed-columns.ts";

/**
 * A process that turns the master key over and is killed in the middle of a batch. Argument: the SQLite file. Standard input:
 * the master keys, newest first, as JSON with the bytes in hex.
 */
const BATCH_SIZE = 10;
const ROTATIONS_BEFORE_THE_END = 35;

const [path = ""] = process.argv.slice(2);
const [newest, older] = (JSON.parse(await text(process.stdin)) as { id: string; key: string }[]).map(({ id, key }) => ({
  id,
  key: Buffer.from(key, "hex"),
}));
if (newest === undefined || older === undefined) throw new Error("two keys are needed");

const masterKeys = [newest, older] as const;
const envelope = createEnvelope(masterKeys);
let rotations = 0;
await resealAll({
  sql: openSqlite({ path, logicalName: "control.sqlite", masterKeys, synchronous: "FULL" }),
  envelope: {
    ...envelope,
    rotate(sealed, context) {
      if (rotations++ === ROTATIONS_BEFORE_THE_END) process.kill(process.pid, "SIGKILL");
      return envelope.rotate(sealed, context);
    },
  },
  columns: [SECRETS],
  batchSize: BATCH_SIZE,
});
