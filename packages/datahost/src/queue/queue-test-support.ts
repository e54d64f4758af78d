import { createHostDatabase } from "../state/host-database.ts";
import { createTestState } from "../state/state-test-support.ts";
import { createJobRpc } from "./job-rpc.ts";
import { createManualTimers } from "./manual-timers-test-support.ts";
import { createQueueRpc } from "./queue-rpc.ts";
import { createQueues } from "./queues.ts";

/** Queues on real databases, with time in the hands of the test. */
export function createTestQueues() {
  const state = createTestState();
  const { clock, hostDir, keyFor } = state;
  const timers = createManualTimers(clock);
  const ready: string[] = [];
  const errors: unknown[] = [];
  const opened: { close(): void }[] = [];

  function open() {
    const states = state.open();
    const host = createHostDatabase({ hostDir, keyFor });
    const queues = createQueues({
      states,
      host,
      clock,
      timers,
      onReady: ({ projectId, queue }) => ready.push(`${projectId}/${queue}`),
      onError: (error) => errors.push(error),
    });
    const rpc = { ...createQueueRpc({ queues, states, clock }), ...createJobRpc({ queues, states, clock }) };
    opened.push({
      close() {
        queues.close();
        states.close();
        host.close();
      },
    });
    return { states, host, queues, rpc };
  }

  return {
    clock,
    timers,
    /** Opens the files anew, as the process after a crash does; the old one does not run on. */
    open,
    errors,
    /** What was announced since the last look. */
    takeReady: () => ready.splice(0),
    remove() {
      for (const one of opened) one.close();
      state.remove();
    },
  };
}
