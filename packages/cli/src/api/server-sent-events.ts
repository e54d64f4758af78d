/** Longest single event; a longer one means that the other side is not what it says. */
const MAX_EVENT_CHARACTERS = 1024 * 1024;

export interface ServerSentEvent {
  /** "message" where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/** Reads an event stream (WHATWG HTML, 9.2.6) to its end. Comments, ids and retry hints are passed over. */
export async function* readServerSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let buffered = "";
  let event = "message";
  let data: string[] = [];
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true });
    if (buffered.length > MAX_EVENT_CHARACTERS) throw new Error("The event stream sent an event over 1 MiB.");
    for (;;) {
      // A CR at the end of a chunk may be half of a CRLF.
      const match = /\r\n|\n|\r(?!$)/.exec(buffered);
      if (match === null) break;
      const line = buffered.slice(0, match.index);
      buffered = buffered.slice(match.index + match[0].length);
      if (line === "") {
        if (data.length > 0) yield { event, data: data.join("\n") };
        event = "message";
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice("data:".length).replace(/^ /, ""));
      } else if (line.startsWith("event:")) {
        event = line.slice("event:".length).trim();
      }
    }
  }
}
