import { z } from "zod";

const MAX_KEYS = 100;
const MAX_KEY_CHARACTERS = 1_000;
const MAX_FOUND_AT_CHARACTERS = 2_000;

export const leakedKeysRequestSchema = z.object({
  keys: z
    .array(z.string().min(1).max(MAX_KEY_CHARACTERS))
    .min(1)
    .max(MAX_KEYS)
    .describe("The keys, as they were found"),
  foundAt: z
    .string()
    .max(MAX_FOUND_AT_CHARACTERS)
    .optional()
    .describe("Where, such as the address of a page or commit"),
});

export const leakedKeysResponseSchema = z.object({
  received: z.int().describe("How many were taken; what became of each is told to its owner only"),
});
