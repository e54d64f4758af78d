export default {
  async fetch(request): Promise<Response> {
    const { pathname } = new URL(request.url);
    return Response.json({ message: "Hello from Aerostack", path: pathname });
  },
} satisfies ExportedHandler;
