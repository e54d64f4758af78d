import { createHmac, scryptSync } from "node:crypto";
import { expect } from "vitest";
import type { ThirdPartyProgram } from "./third-party-program.ts";

export const nodeCompat: ThirdPartyProgram = {
  name: "node-compat",
  compatibilityFlags: ["nodejs_compat"],
  guarantees: {
    async "packages written for Node find its modules and behave as on Node"(call) {
      const answer = await call("/here");
      expect(await answer.json()).toEqual({
        csv: [
          { name: "book", price: 25 },
          { name: "pen, red", price: 4 },
        ],
        tokens: { symmetric: "ada", asymmetric: "bob", refused: "invalid signature" },
        buffer: { hex: "68c3a96c6c6f", base64: "aMOpbGxv", length: 6 },
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        hmac: createHmac("sha1", "key").update("abc").digest("base64"),
        scrypt: scryptSync("password", "salt", 16).toString("hex"),
        equal: true,
        random: 16,
        gzip: 700,
        context: ["a", "b"],
        path: "/here",
      });
    },
  },
};
