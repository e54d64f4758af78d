import { once } from "node:events";
import { WebSocket } from "ws";
import { pollUntil } from "./poll-until.ts";

export type Frame = Readonly<Record<string, unknown>>;

export interface RealtimeClient {
  readonly socket: WebSocket;
  /** Those that nobody has taken. */
  readonly frames: Frame[];
  say(frame: object): void;
  /** Takes the first frame that fits; waits for it. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves with the name that the topic goes by. */
  subscribe(topic: string, more?: object): Promise<string>;
}

/** A WebSocket client that keeps every frame it gets. */
export async function connectRealtime(
  server: { readonly url: string },
  { protocols = [], query = "" }: { readonly protocols?: readonly string[]; readonly query?: string },
): Promise<RealtimeClient> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/realtime?${query}`, [...protocols]);
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  await once(socket, "open");
  const say = (frame: object): void => socket.send(JSON.stringify(frame));

  async function next(fits: (frame: Frame) => boolean): Promise<Frame> {
    let at = -1;
    await pollUntil("the frame comes", async () => {
      at = frames.findIndex(fits);
      return at !== -1;
    });
    const [found] = frames.splice(at, 1);
    if (found === undefined) throw new Error("no such frame");
    return found;
  }

  return {
    socket,
    frames,
    say,
    next,
    async subscribe(topic, more = {}) {
      say({ type: "subscribe", topic, ...more });
      const {
        type,
        topic: name,
        message,
      } = await next((frame) => frame.type === "subscribed" || frame.type === "error");
      if (type === "error") throw new Error(String(message));
      return String(name);
    },
  };
}
