/** How long at most somebody goes on reading a stream who may not any more. */
const ASK_EVERY_MS = 1_000;

export interface RefusedStreamOptions {
  /** Asks again what was asked before the stream began; throws what a new request would be answered. */
  readonly requireStill: () => Promise<void>;
  readonly askEveryMs?: number;
}

/**
 * A stream of events lasts for hours, and whoever reads it may be removed from the team, or their key be revoked, meanwhile.
 * It is asked every second whether they still may, which costs no query while nothing changes; where they may not, the
 * stream ends, and the client that comes back is told why.
 */
export function endRefusedStream(response: Response, options: RefusedStreamOptions): Response {
  const { body } = response;
  if (body === null || !isEventStream(response)) return response;
  const reader = body.getReader();
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;

  function finish(): void {
    isOver = true;
    clearTimeout(timer);
  }

  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      function askSoon(): void {
        timer = setTimeout(() => {
          options.requireStill().then(
            () => {
              if (!isOver) askSoon();
            },
            () => {
              if (isOver) return;
              finish();
              controller.close();
              reader.cancel().catch(() => undefined);
            },
          );
        }, options.askEveryMs ?? ASK_EVERY_MS).unref();
      }
      askSoon();
    },
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (isOver) return;
        if (!done) controller.enqueue(value);
        else {
          finish();
          controller.close();
        }
      } catch (error) {
        if (isOver) return;
        finish();
        controller.error(error);
      }
    },
    async cancel(reason) {
      finish();
      await reader.cancel(reason);
    },
  });
  return new Response(stream, response);
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") === true;
}
