import { describe } from "vitest";
import { testBusContract } from "./bus.contract.ts";
import { createMemoryBus } from "./memory-bus.ts";

describe("the bus in memory", () => {
  testBusContract(async () => ({ bus: createMemoryBus(), ready: async () => undefined }));
});
