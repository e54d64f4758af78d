import { DurableObject } from "cloudflare:workers";

interface Message {
  name: string;
  text: string;
  sentAt: string;
}

const MAX_NAME_CHARACTERS = 40;
const MAX_TEXT_CHARACTERS = 1000;
const SHOWN_MESSAGES = 50;

/**
 * One chat room. Its sockets hibernate: while nobody writes, the room takes no memory and its sockets stay open. Messages
 * are kept in the object's own SQLite database.
 */
export class ChatRoom extends DurableObject {
  constructor(state: DurableObjectState, env: unknown) {
    super(state, env as never);
    state.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, name TEXT, text TEXT, sent_at TEXT)",
    );
  }

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.send(JSON.stringify({ type: "history", messages: this.history() }));
    this.announce();
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(_socket: WebSocket, data: string | ArrayBuffer): void {
    const message = readMessage(data);
    if (message === undefined) return;
    this.ctx.storage.sql.exec(
      "INSERT INTO messages (name, text, sent_at) VALUES (?, ?, ?)",
      message.name,
      message.text,
      message.sentAt,
    );
    this.broadcast({ type: "message", message });
  }

  override webSocketClose(socket: WebSocket): void {
    this.announce(socket);
  }

  private history(): Message[] {
    const rows = this.ctx.storage.sql.exec(
      `SELECT name, text, sent_at AS sentAt FROM messages ORDER BY id DESC LIMIT ${SHOWN_MESSAGES}`,
    );
    return rows.toArray().reverse() as unknown as Message[];
  }

  private announce(leaving?: WebSocket): void {
    const people = this.ctx.getWebSockets().filter((socket) => socket !== leaving).length;
    this.broadcast({ type: "people", people });
  }

  private broadcast(event: unknown): void {
    const text = JSON.stringify(event);
    for (const socket of this.ctx.getWebSockets()) {
      try {
        socket.send(text);
      } catch {
        // Closed in this very moment; its close event follows.
      }
    }
  }
}

function readMessage(data: string | ArrayBuffer): Message | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const { name, text } = JSON.parse(data) as { name?: unknown; text?: unknown };
    if (typeof name !== "string" || typeof text !== "string" || text.trim() === "") return undefined;
    return {
      name: name.trim().slice(0, MAX_NAME_CHARACTERS) || "Somebody",
      text: text.slice(0, MAX_TEXT_CHARACTERS),
      sentAt: new Date().toISOString(),
    };
  } catch {
    return undefined;
  }
}
