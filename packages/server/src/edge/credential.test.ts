import { describe, expect, it } from "vitest";
import { readCredential } from "./credential.ts";

const read = (headers: Record<string, string>, search = "") =>
  readCredential({ header: (name) => headers[name], search });

describe("a request's credential", () => {
  it("comes from the first of its places", () => {
    const all = {
      "x-aerostack-key": "a",
      "x-api-key": "b",
      authorization: "bearer c",
      "sec-websocket-protocol": "aerostack-v1, aerostack-key.d",
    };
    expect(read(all, "?apiKey=e")).toBe("a");
    expect(read({ ...all, "x-aerostack-key": " " }, "?apiKey=e")).toBe("b");
    expect(read({ authorization: "Bearer  c " })).toBe("c");
    expect(read({ "sec-websocket-protocol": "aerostack-v1, aerostack-key.d" })).toBe("d");
    expect(read({ "sec-websocket-protocol": "bearer-ask_live_1" })).toBe("ask_live_1");
    expect(read({}, "a=1&apiKey=e%2B")).toBe("e+");
  });

  it("is absent where there is none, or one of absurd length", () => {
    expect(read({ authorization: "Basic eDp5" })).toBeUndefined();
    expect(read({}, "?notapiKey=1")).toBeUndefined();
    expect(read({ "x-api-key": "x".repeat(5_000) })).toBeUndefined();
  });
});
