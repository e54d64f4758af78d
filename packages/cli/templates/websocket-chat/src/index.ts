import page from "./page.html";

export { ChatRoom } from "./chat-room.ts";

interface Env {
  ROOMS: DurableObjectNamespace;
}

const ROOM_PATH = /^\/rooms\/([a-z0-9-]{1,40})$/;

export default {
  async fetch(request, env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const room = ROOM_PATH.exec(pathname)?.[1];
    if (room !== undefined && request.headers.get("upgrade") === "websocket") {
      // Everybody in a room meets in the one object of its name.
      return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
    }
    if (pathname !== "/") return new Response("There is nothing here.\n", { status: 404 });
    return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
} satisfies ExportedHandler<Env>;
