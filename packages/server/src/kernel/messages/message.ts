/** An e-mail or a text message to one person. */
export interface Message {
  readonly channel: MessageChannel;
  /** An e-mail address, or a phone number in E.164. */
  readonly to: string;
  /** Empty for text messages. */
  readonly subject: string;
  readonly text: string;
  /** Absent for text messages. */
  readonly html?: string;
  /** E-mail only: where answers go, if not to the sender. */
  readonly replyTo?: string;
  /** E-mail only: the Message-ID, with its angle brackets, below which mail programs show this one. */
  readonly inReplyTo?: string;
}

export type MessageChannel = "mail" | "sms";

/** Hands messages to whoever brings them to people. */
export interface MessageSender {
  /** As people know it, such as `smtp.example.com`. */
  readonly name: string;
  /**
   * Resolves when the other side has taken the message.
   *
   * @param id the same for every attempt at one message
   * @throws DeliveryError
   */
  send(message: Message, id: string): Promise<void>;
}

/** A message was not taken. The text is for the project's people; it holds no credential. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  /** False: the same message will be refused again. */
  readonly isTemporary: boolean;

  constructor(message: string, isTemporary: boolean, cause?: unknown) {
    super(message, { cause });
    this.isTemporary = isTemporary;
  }
}
