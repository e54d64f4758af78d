/**
 * Tells every server of an installation that something happened. At most once and not kept: whoever needs certainty
 * reads the database. Handlers do not throw; messages are JSON values.
 */
export interface Bus {
  publish(topic: string, message: unknown): void;
  /** @returns a function that ends the subscription. */
  subscribe(topic: string, handler: (message: unknown) => void): () => void;
  close(): Promise<void>;
}
