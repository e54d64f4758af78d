// A process of its own that calls an address one call after another and reports how long each took, so that what the test
// does meanwhile does not count. Arguments: the address, how its body must begin, how many calls at least.
import { Agent, request } from "node:http";

const [url = "", expectedBody = "", leastText = "0"] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const samplesMs: number[] = [];
const failures: string[] = [];
let stopping = false;

async function call(): Promise<void> {
  await new Promise<void>((resolve) => {
    const startedAt = performance.now();
    const fail = (reason: string): void => {
      failures.push(reason);
      resolve();
    };
    const req = request(url, { agent }, (res) => {
      let body = "";
      res.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      res.on("error", (error) => fail(error.message));
      res.on("end", () => {
        samplesMs.push(performance.now() - startedAt);
        if (res.statusCode === 200 && body.startsWith(expectedBody)) resolve();
        else fail(`${res.statusCode} ${body.slice(0, 300)}`);
      });
    });
    req.on("error", (error) => fail(error.message));
    req.end();
  });
}

process.on("message", () => {
  stopping = true;
});
process.on("disconnect", () => process.exit(0));
while (!stopping || samplesMs.length + failures.length < Number(leastText)) await call();
process.send?.({ samplesMs, failures }, () => process.exit(0));
