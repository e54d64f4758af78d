/**
 * Calls a method of the data host by name. Each capability states what it sends and reads; the data host checks what it
 * receives, and rejects with AerostackError.
 */
export type HostCall = <Result>(method: string, params: Readonly<Record<string, unknown>>) => Promise<Result>;
