import { AerostackError, resourceNameSchema } from "@aerostack/contracts";

/** Bytes in a call between processes; see the kernel's RpcPeer. */
export interface RpcBytes {
  /** Base64. */
  readonly $bytes: string;
}

export function toRpcBytes(bytes: Buffer): RpcBytes {
  return { $bytes: bytes.toString("base64") };
}

/** Text stands for its UTF-8 bytes. */
export function fromRpcBytes(value: string | RpcBytes): Buffer {
  return typeof value === "string" ? Buffer.from(value, "utf8") : Buffer.from(value.$bytes, "base64");
}

/** @throws AerostackError VALIDATION_ERROR when a namespace, queue or bucket cannot have that name. */
export function checkResourceName(name: string, field: string): void {
  const checked = resourceNameSchema.safeParse(name);
  if (!checked.success) {
    const message = checked.error.issues[0]?.message ?? "The name is not valid.";
    throw new AerostackError("VALIDATION_ERROR", { message, details: { fieldErrors: { [field]: [message] } } });
  }
}
