/**
 * Tells the process that started this one where it answers, and ends with it: when its end of standard input closes, in
 * whatever way it came to that.
 */
export function announce(url: string, close: () => void | Promise<void> = () => {}): void {
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.stdin.resume();
  process.stdin.once("end", () => {
    Promise.resolve(close()).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
