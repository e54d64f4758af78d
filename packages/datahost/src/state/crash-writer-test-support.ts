import { deriveKey, systemClock } from "@aerostack/kernel";
import { systemTimers } from "../queue/due-alarm.ts";
import { createStateServices } from "./state-services.ts";

/**
 * A process that writes as fast as it can and says on its standard output what was acknowledged, one line each:
 * `kv <n>`, `sent <n>`, `acked <n>`, `object <n>`. The crash test kills it. Arguments: directory, key in hex, first n.
 */
const [hostDir = "", keyHex = "", first = "0"] = process.argv.slice(2);
const master = Buffer.from(keyHex, "hex");
const services = createStateServices({
  hostDir,
  keyFor: (name) => deriveKey(master, name),
  clock: systemClock,
  timers: systemTimers,
  onQueueReady: () => undefined,
  letGo: async () => undefined,
  onError: (error) => process.stderr.write(`${String(error)}\n`),
});
services.start();

const projectId = "prj_crash";
const jobs = { projectId, queue: "jobs" };
const say = (what: string, n: number | string) => process.stdout.write(`${what} ${n}\n`);
let next = Number(first);

async function writeForEver(): Promise<void> {
  for (;;) {
    const n = next++;
    await services.rpc["kv.put"]({ projectId, namespace: "default", key: `k${n}`, value: String(n) });
    say("kv", n);
    await services.rpc["queue.send"]({ ...jobs, messages: [{ body: String(n), contentType: "text" }] });
    say("sent", n);
    async function* content(): AsyncGenerator<Buffer> {
      yield Buffer.from(`object ${n} `.repeat(20_000));
    }
    const attributes = { httpMetadata: {}, customMetadata: {}, storageClass: "Standard", isPublic: false } as const;
    await services.objects.put({ projectId, bucket: "default" }, `o${n}`, content(), { attributes, size: undefined });
    say("object", n);
  }
}

async function consumeForEver(): Promise<void> {
  for (;;) {
    const messages = await services.rpc["queue.lease"]({ ...jobs, maxMessages: 3, leaseMs: 60_000 });
    for (const { id, body } of messages) {
      await services.rpc["queue.settle"]({ ...jobs, acks: [id] });
      say("acked", Buffer.from(body, "base64").toString());
    }
    if (messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

await Promise.all([writeForEver(), writeForEver(), writeForEver(), writeForEver(), consumeForEver()]);
