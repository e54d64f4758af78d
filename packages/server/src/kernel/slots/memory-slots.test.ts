import { describe } from "vitest";
import { createMemorySlots } from "./memory-slots.ts";
import { testSlotsContract } from "./slots.contract.ts";

describe("slots in memory", () => testSlotsContract(createMemorySlots));
