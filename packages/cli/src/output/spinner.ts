import { truncate } from "./display-width.ts";
import type { Style } from "./style.ts";
import type { TextSink } from "./terminal.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const FRAME_MS = 80;
/** What ends sooner shows no spinner: a flash on the screen is noise. */
const APPEARS_AFTER_MS = 150;
const ERASE_LINE = "\r\u001b[2K";
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

export interface Spinner {
  update(label: string): void;
  /** May be called more than once. */
  stop(): void;
}

export function createSpinner(sink: TextSink, style: Style, firstLabel: string): Spinner {
  let label = firstLabel;
  let frame = 0;
  let shown = false;
  let stopped = false;
  let timer: NodeJS.Timeout = setTimeout(() => {
    shown = true;
    sink.write(HIDE_CURSOR);
    draw();
    timer = setInterval(draw, FRAME_MS);
  }, APPEARS_AFTER_MS);

  function draw(): void {
    const picture = FRAMES[frame++ % FRAMES.length] ?? "";
    sink.write(`${ERASE_LINE}${style.accent(picture)} ${truncate(label, (sink.columns ?? 80) - 3)}`);
  }

  // A process that is ended by Ctrl-C while the spinner turns must give the cursor back.
  const restore = (): void => stop();
  process.once("exit", restore);

  function stop(): void {
    if (stopped) return;
    stopped = true;
    clearTimeout(timer);
    clearInterval(timer);
    process.removeListener("exit", restore);
    if (shown) sink.write(ERASE_LINE + SHOW_CURSOR);
  }

  return {
    update(text) {
      label = text;
    },
    stop,
  };
}
