import { expect } from "vitest";
import type { ThirdPartyProgram } from "./third-party-program.ts";

const PNG_SIGNATURE = "89504e470d0a1a0a";
/** Width and height stand in the header chunk, after the signature, its length and its name. */
const PNG_WIDTH_OFFSET = 16;

export const resvgImage: ThirdPartyProgram = {
  name: "resvg-image",
  guarantees: {
    async "a WebAssembly module beside the bundle renders an image and keeps it in R2"(call) {
      const answer = await call("/?width=48");
      expect(answer.headers.get("content-type")).toBe("image/png");
      const png = Buffer.from(await answer.arrayBuffer());
      expect(png.subarray(0, 8).toString("hex")).toBe(PNG_SIGNATURE);
      expect([png.readUInt32BE(PNG_WIDTH_OFFSET), png.readUInt32BE(PNG_WIDTH_OFFSET + 4)]).toEqual([48, 48]);
      expect(answer.headers.get("x-pixel")).toBe("255,102,0,255");
      expect(Number(answer.headers.get("x-stored-size"))).toBe(png.length);
    },
  },
};
