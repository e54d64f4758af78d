import type { Counter, Gauge, Histogram, Registry } from "prom-client";

type Labels = Readonly<Record<string, string | number>>;

export interface MetricCounter {
  add(labels: Labels, amount?: number): void;
}

export interface MetricHistogram {
  observe(labels: Labels, value: number): void;
}

export interface MetricDefinition {
  /** With its unit last, as Prometheus asks: `aerostack_http_request_duration_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/**
 * Prometheus metrics. Nothing is counted, and the library not loaded, until `activate`: an installation without Prometheus
 * pays nothing for them. Counters start at zero then, which Prometheus reads as a restart.
 */
export interface Metrics {
  counter(definition: MetricDefinition): MetricCounter;
  histogram(definition: MetricDefinition & { readonly buckets: readonly number[] }): MetricHistogram;
  /** Read when Prometheus asks. */
  gauge(definition: MetricDefinition, read: () => readonly { readonly labels: Labels; readonly value: number }[]): void;
  activate(): Promise<void>;
  readonly active: boolean;
  /** The text format of Prometheus; activates on first use. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createMetrics(): Metrics {
  let registry: Registry | undefined;
  let activating: Promise<Registry> | undefined;
  const definitions: ((library: typeof import("prom-client"), registry: Registry) => void)[] = [];

  async function load(): Promise<Registry> {
    const { default: library } = await import("prom-client");
    const made = new library.Registry();
    library.collectDefaultMetrics({ register: made });
    for (const define of definitions) define(library, made);
    registry = made;
    return made;
  }

  function activate(): Promise<Registry> {
    activating ??= load();
    return activating;
  }

  function define(add: (library: typeof import("prom-client"), registry: Registry) => void): void {
    if (registry !== undefined) throw new Error("metrics are defined before they are activated");
    definitions.push(add);
  }

  return {
    counter({ name, help, labels }) {
      let counter: Counter | undefined;
      define(({ Counter }, register) => {
        counter = new Counter({ name, help, labelNames: [...labels], registers: [register] });
      });
      return { add: (values, amount = 1) => counter?.inc(values, amount) };
    },
    histogram({ name, help, labels, buckets }) {
      let histogram: Histogram | undefined;
      define(({ Histogram }, register) => {
        histogram = new Histogram({
          name,
          help,
          labelNames: [...labels],
          buckets: [...buckets],
          registers: [register],
        });
      });
      return { observe: (values, value) => histogram?.observe(values, value) };
    },
    gauge({ name, help, labels }, read) {
      define(({ Gauge }, register) => {
        new Gauge({
          name,
          help,
          labelNames: [...labels],
          registers: [register],
          collect(this: Gauge) {
            this.reset();
            for (const { labels: values, value } of read()) this.set(values, value);
          },
        });
      });
    },
    async activate() {
      await activate();
    },
    get active() {
      return registry !== undefined;
    },
    async render() {
      const active = await activate();
      return { contentType: active.contentType, text: await active.metrics() };
    },
  };
}
