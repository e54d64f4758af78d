/** Passes bytes on, and throws as soon as there are more than `maxBytes`. */
export async function* limitBytes(
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooMany: () => Error,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooMany();
    yield chunk;
  }
}
