import { join } from "node:path";
import { type BlobStore, createFileBlobStore } from "@aerostack/kernel";
import { createHostDatabase } from "../state/host-database.ts";
import { createTestState } from "../state/state-test-support.ts";
import { createLifecycles } from "./lifecycles.ts";
import { createObjectCollector } from "./object-collector.ts";
import { createObjects } from "./objects.ts";
import { createObjectsRpc } from "./objects-rpc.ts";

/** Objects on real files and databases, with time in the hands of the test. */
export function createTestObjects() {
  const state = createTestState();
  const { clock, hostDir, keyFor } = state;
  const stores = new Map<string, BlobStore>();
  function blobsOf(projectId: string): BlobStore {
    let store = stores.get(projectId);
    if (store === undefined) {
      store = createFileBlobStore({
        directory: join(hostDir, "blobs", projectId),
        sealKey: keyFor(`${projectId}/seal`),
        idKey: keyFor(`${projectId}/id`),
        clock,
      });
      stores.set(projectId, store);
    }
    return store;
  }
  const states = state.open();
  const collector = createObjectCollector({ states, blobsOf, clock });
  const objects = createObjects({ states, blobsOf, clock, onGarbage: collector.note });
  const host = createHostDatabase({ hostDir, keyFor });
  const lifecycles = createLifecycles({ states, host, clock, onGarbage: collector.note });
  const rpc = createObjectsRpc({ objects, states, lifecycles, now: clock.now });
  return {
    clock,
    states,
    blobsOf,
    collector,
    objects,
    rpc,
    lifecycles,
    async blobIds(projectId: string): Promise<string[]> {
      const ids: string[] = [];
      for await (const { id } of blobsOf(projectId).list()) ids.push(id);
      return ids.sort();
    },
    remove() {
      states.close();
      host.close();
      state.remove();
    },
  };
}

export const PLAIN = { httpMetadata: {}, customMetadata: {}, storageClass: "Standard", isPublic: false } as const;

export async function* bytesOf(content: Buffer | string, pieceBytes = 50_000): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
