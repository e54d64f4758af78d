import { describe, expect, it } from "vitest";
import { readServerSentEvents } from "./server-sent-events.ts";

async function read(...chunks: string[]): Promise<string[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  const events: string[] = [];
  for await (const { event, data } of readServerSentEvents(body)) events.push(`${event}: ${data}`);
  return events;
}

describe("an event stream", () => {
  it("is the same however it is cut into chunks", async () => {
    const text = ': hello\n\ndata: one\n\nevent: gap\ndata: {"lost":3}\n\r\ndata: two\r\ndata: lines\r\n\r\n';
    const expected = ["message: one", 'gap: {"lost":3}', "message: two\nlines"];
    expect(await read(text)).toEqual(expected);
    expect(await read(...text)).toEqual(expected);
  });

  it("drops an event that its end cuts off", async () => {
    expect(await read("data: whole\n\ndata: half")).toEqual(["message: whole"]);
  });

  it("refuses an event that would fill the memory", async () => {
    await expect(read("data: ", "x".repeat(2 * 1024 * 1024))).rejects.toThrow("over 1 MiB");
  });
});
