type Labels = Record<string, string>;
type Kind = "counter" | "gauge" | "histogram";
type Sample = { name: string; labels: string; value: number };
type Family = { name: string; help: string; kind: Kind; read(): Sample[] };

/** Of one name no more than so many different labels: whoever makes up words makes up no memory. */
const SERIES_MAX = 2000;

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * What is counted and measured, in the text that Prometheus reads (exposition format 0.0.4). Ours, since a library is twenty times
 * as long and brings what Bun has.
 */
export function createMetrics() {
  const families: Family[] = [];

  /** One number for each set of labels. */
  function numbers() {
    const known = new Map<string, { n: number }>();
    return {
      of(labels: Labels): { n: number } {
        const text = textOf(labels);
        let cell = known.get(text);
        if (!cell) {
          if (known.size >= SERIES_MAX) return { n: 0 };
          known.set(text, (cell = { n: 0 }));
        }
        return cell;
      },
      read: (name: string): Sample[] => [...known].map(([labels, { n }]) => ({ name, labels, value: n })),
    };
  }

  return {
    /** Something that is counted; ends in `_total`. Whoever counts one thing often keeps its cell (`of`). */
    counter(name: string, help: string): { add(labels?: Labels): void; of(labels: Labels): { n: number } } {
      const { of, read } = numbers();
      families.push({ name, help, kind: "counter", read: () => read(name) });
      return { add: (labels = {}) => void of(labels).n++, of };
    },

    /** Something that is measured when somebody asks; undefined is left out. */
    gauge(
      name: string,
      help: string,
      measure: () => number | undefined,
      kind: "gauge" | "counter" = "gauge",
    ): void {
      const read = () => {
        const value = measure();
        return value === undefined ? [] : [{ name, labels: "", value }];
      };
      families.push({ name, help, kind, read });
    },

    /** The present value of what has one; undefined where it is not measured. */
    value: (name: string): number | undefined =>
      families.find((family) => family.name === name)?.read()[0]?.value,

    /** How long something took, in seconds, by `bounds`, which go up; for one set of labels at a time. */
    histogram(name: string, help: string, bounds: number[]): (labels: Labels) => (seconds: number) => void {
      const [buckets, sums, counts] = [numbers(), numbers(), numbers()];
      const read = () => [
        ...buckets.read(`${name}_bucket`),
        ...sums.read(`${name}_sum`),
        ...counts.read(`${name}_count`),
      ];
      families.push({ name, help, kind: "histogram", read });
      return (labels) => {
        const limits = [...bounds, Infinity];
        const cells = limits.map((le) =>
          buckets.of({ ...labels, le: le === Infinity ? "+Inf" : String(le) }),
        );
        const [sum, count] = [sums.of(labels), counts.of(labels)];
        return (seconds) => {
          // From the largest down: nearly everything is small, and in all of them.
          for (let i = cells.length - 1; i >= 0 && seconds <= limits[i]!; i--) cells[i]!.n++;
          sum.n += seconds;
          count.n++;
        };
      };
    },

    /** All of it. */
    text(): string {
      const lines = families.flatMap(({ name, help, kind, read }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${kind}`,
        ...read().map((sample) => `${sample.name}${sample.labels} ${sample.value}`),
      ]);
      return `${lines.join("\n")}\n`;
    },
  };
}

const escaped = (value: string) =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function textOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
