/** One of those that are compared. */
export interface Contestant<Report> {
  readonly name: string;
  readonly run: () => Promise<Report>;
}

/** One round: what each contestant reported, by name, and how much others disturbed it. */
export interface Round<Report> {
  readonly reports: ReadonlyMap<string, Report>;
  /** The largest share of all cores that somebody else used while one of them ran. */
  readonly disturbance: number;
}

export interface SideBySideOptions {
  /** How many rounds count. */
  readonly rounds: number;
  /** Rounds that were disturbed more than this are repeated … */
  readonly maxDisturbance: number;
  /** … so many times at most. */
  readonly repeats: number;
  /** Begins to watch others; the answer tells how much they disturbed since. */
  readonly watch: () => () => number;
  readonly beforeRound?: () => Promise<void>;
}

/**
 * Lets the contestants run in turn, round after round, so that whatever else the machine does falls on all of them alike. A
 * round that others disturbed is repeated; of all rounds those count that were disturbed least, whatever they measured.
 */
export async function sideBySide<Report>(
  contestants: readonly Contestant<Report>[],
  options: SideBySideOptions,
): Promise<readonly Round<Report>[]> {
  const all: Round<Report>[] = [];
  const undisturbed = () => all.filter(({ disturbance }) => disturbance <= options.maxDisturbance).length;
  while (undisturbed() < options.rounds && all.length < options.rounds + options.repeats) {
    await options.beforeRound?.();
    const reports = new Map<string, Report>();
    let disturbance = 0;
    for (const { name, run } of contestants) {
      const endWatch = options.watch();
      reports.set(name, await run());
      disturbance = Math.max(disturbance, endWatch());
    }
    all.push({ reports, disturbance });
  }
  const counted = new Set(all.toSorted((left, right) => left.disturbance - right.disturbance).slice(0, options.rounds));
  return all.filter((round) => counted.has(round));
}
