import type { Logger } from "./log.ts";

/** What was opened is closed in the opposite order, each once, also when another fails to close. */
export interface Lifecycle {
  onClose(name: string, close: () => void | Promise<void>): void;
  close(): Promise<void>;
}

export function createLifecycle(log: Logger): Lifecycle {
  const opened: { readonly name: string; readonly close: () => void | Promise<void> }[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    for (const { name, close } of opened.splice(0).reverse()) {
      try {
        await close();
      } catch (err) {
        log.error({ err }, `closing ${name} failed`);
      }
    }
  }

  return {
    onClose: (name, close) => void opened.push({ name, close }),
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}
