/** One of those that are compared. */
export interface Contestant<Report> {
  readonly name: string;
  readonly run: (round: number) => Promise<Report>;
}

/**
 * Lets the contestants run in turn, round after round, so that whatever else the machine does falls on all of them alike.
 * Answers each one's reports in the order of the rounds.
 */
export async function sideBySide<Report>(
  contestants: readonly Contestant<Report>[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly Report[]>> {
  const reports = new Map<string, Report[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contestants) reports.get(name)?.push(await run(round));
  }
  return reports;
}
