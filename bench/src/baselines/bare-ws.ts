// The least that fan-out takes: the library ws, and a loop that sends what one client says to all others. No topics, no
// credentials, no limits, no numbers.
import type { AddressInfo } from "node:net";
import type { WebSocketServer } from "ws";
import { importAsServer } from "../server-package.ts";
import { announce } from "./announce.ts";

const { default: ws } = await importAsServer<{ default: { Server: typeof WebSocketServer } }>("ws");
const server = new ws.Server({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const text = String(data);
    for (const client of server.clients) if (client !== socket) client.send(text);
  });
});
server.on("listening", () => announce(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
