import { styleText } from "node:util";

type Paint = (text: string) => string;

/** The few colours the CLI uses, each for one meaning. */
export interface Style {
  readonly bold: Paint;
  /** Secondary: labels, times, explanations. */
  readonly dim: Paint;
  /** Something to copy: a command, an address, a name. */
  readonly accent: Paint;
  readonly success: Paint;
  readonly warning: Paint;
  readonly danger: Paint;
}

const plain: Paint = (text) => text;

export function createStyle(enabled: boolean): Style {
  if (!enabled) return { bold: plain, dim: plain, accent: plain, success: plain, warning: plain, danger: plain };
  const paint =
    (format: Parameters<typeof styleText>[0]): Paint =>
    (text) =>
      styleText(format, text, { validateStream: false });
  return {
    bold: paint("bold"),
    dim: paint("dim"),
    accent: paint("cyan"),
    success: paint("green"),
    warning: paint("yellow"),
    danger: paint("red"),
  };
}

/** Whether to colour: NO_COLOR (any value) says no, FORCE_COLOR says yes, else a terminal that is not "dumb". */
export function wantsColour(env: NodeJS.ProcessEnv, isTty: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTty && env.TERM !== "dumb";
}
