/**
 * The loops of a graph: its strongly connected components of more than one node, or of one that leads to itself (Tarjan,
 * without recursion). Only what can be reached from node 0 without entering a node of `cut` counts.
 */
export function findCycles(
  successors: readonly (readonly number[])[],
  cut: ReadonlySet<number>,
  within?: ReadonlySet<number>,
): Set<number>[] {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const cycles: Set<number>[] = [];
  const isOpen = (node: number) => !cut.has(node) && (within === undefined || within.has(node));
  const targetsOf = (node: number) => (successors[node] ?? []).filter(isOpen);

  function visit(root: number): void {
    const path: { node: number; targets: number[]; at: number }[] = [];
    const enter = (node: number) => {
      index.set(node, index.size);
      low.set(node, index.get(node) ?? 0);
      stack.push(node);
      onStack.add(node);
      path.push({ node, targets: targetsOf(node), at: 0 });
    };
    enter(root);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const target = step.targets[step.at++];
      if (target !== undefined) {
        if (!index.has(target)) enter(target);
        else if (onStack.has(target)) lower(step.node, index.get(target) ?? 0);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) lower(parent.node, low.get(step.node) ?? 0);
      if (low.get(step.node) === index.get(step.node)) collect(step.node);
    }
  }

  function lower(node: number, to: number): void {
    low.set(node, Math.min(low.get(node) ?? to, to));
  }

  function collect(root: number): void {
    const component = new Set<number>();
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      onStack.delete(node);
      component.add(node);
      if (node === root) break;
    }
    if (component.size > 1 || targetsOf(root).includes(root)) cycles.push(component);
  }

  for (const root of startingPoints(successors, cut, within)) if (!index.has(root) && isOpen(root)) visit(root);
  return cycles;
}

/** Nodes to search from: with cut nodes in the way, everything reachable from node 0 through them too. */
function startingPoints(
  successors: readonly (readonly number[])[],
  cut: ReadonlySet<number>,
  within: ReadonlySet<number> | undefined,
): number[] {
  if (within !== undefined) return [...within];
  if (cut.size === 0) return [0];
  return [...reachableFrom(successors, 0)];
}

export function reachableFrom(successors: readonly (readonly number[])[], start: number): Set<number> {
  const reached = new Set([start]);
  const waiting = [start];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const target of successors[node] ?? []) {
      if (!reached.has(target)) {
        reached.add(target);
        waiting.push(target);
      }
    }
  }
  return reached;
}
