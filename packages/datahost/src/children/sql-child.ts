import { flushCompileCache } from "node:module";
import { Socket } from "node:net";
import type { ChildRequest, ChildSettings } from "./child-protocol.ts";
import { ChildSession } from "./child-session.ts";
import { createFrameReader, writeFrame } from "./frames.ts";

/**
 * A process that runs SQL of unknown length for the host: started by it, spoken to over file descriptor 3, killed by it when
 * a statement takes too long. It ends when the host does.
 */
const HOST_DESCRIPTOR = 3;

const host = new Socket({ fd: HOST_DESCRIPTOR, readable: true, writable: true });
let session: ChildSession | undefined;

// A signal for the whole terminal is the server's to handle: it closes the host, and the host closes this process.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

host.on(
  "data",
  createFrameReader<ChildSettings | ChildRequest>(({ head }) => {
    if (session === undefined) {
      const settings = head as ChildSettings;
      session = new ChildSession(settings, () => process.ppid !== settings.hostPid);
      // It is ready: the time of its first request begins.
      writeFrame(host, {});
      // A process that is killed would never write what it compiled, and the next one would compile it again (60 ms).
      setImmediate(flushCompileCache);
      return;
    }
    const { answer, body } = session.handle(head as ChildRequest);
    writeFrame(host, answer, body);
  }),
);

host.on("error", () => process.exit(1));
host.on("close", () => {
  session?.close();
  process.exit(0);
});
