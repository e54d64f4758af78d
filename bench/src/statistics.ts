/** The middle value; the mean of the two middle ones where their number is even. @throws when there are none */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/**
 * The value below which `percent` of the values lie, interpolated between the two nearest (the method of NumPy's default
 * and of spreadsheets). @throws when there are no values
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const position = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error("There is nothing to take a percentile of.");
  return below + (above - below) * (position - Math.floor(position));
}

/** How far the values lie apart, as a share of their median: 0 when all are equal. The measure of noise in a report. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle;
}

/** Round by round, what the first is of the second: shows how far the ratio moved within one run. */
export function pairedRatios(ours: readonly number[], baseline: readonly number[]): readonly number[] {
  return ours.flatMap((value, round) => {
    const other = baseline[round];
    return other === undefined || other === 0 ? [] : [value / other];
  });
}
