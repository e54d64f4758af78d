/** The server cannot start, for a reason that its operator can mend: the message says it, and a stack would only hide it. */
export class StartError extends Error {
  override readonly name: string = "StartError";
}
