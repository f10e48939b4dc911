import { Presets, SingleBar } from "cli-progress";
import { paint, type Terminal } from "#cli/terminal.ts";

/** Shows how far a long work is, how fast it goes and what is left. Units are the caller's. */
export interface Progress {
  /** `total` may grow while the work goes on. */
  update(done: number, total: number): void;
  stop(): void;
}

/** Without a terminal one line is printed this often, so that a log stays readable. */
const plainEveryMs = 5_000;

export function progressBar(terminal: Terminal, name: string): Progress {
  return terminal.isTerminal ? drawnBar(terminal, name) : plainLines(terminal, name);
}

function drawnBar(terminal: Terminal, name: string): Progress {
  const format = `  {bar} {percentage}%  ${paint(terminal, "dim", name)}  {value}/{total}  {rate}/s  {eta_formatted} left`;
  const bar = new SingleBar(
    { format, hideCursor: true, clearOnComplete: true, barsize: 24, stream: process.stdout },
    Presets.shades_classic,
  );
  const startedAt = performance.now();
  let begun = false;
  return {
    update: (done, total) => {
      const rate = Math.round(done / Math.max(0.001, (performance.now() - startedAt) / 1_000));
      if (!begun) bar.start(total, done, { rate });
      begun = true;
      bar.setTotal(total);
      bar.update(done, { rate });
    },
    stop: () => bar.stop(),
  };
}

function plainLines(terminal: Terminal, name: string): Progress {
  const startedAt = performance.now();
  let saidAt = startedAt;
  return {
    update: (done, total) => {
      const now = performance.now();
      if (now - saidAt < plainEveryMs && done < total) return;
      saidAt = now;
      const rate = Math.max(1, Math.round(done / ((now - startedAt) / 1_000)));
      terminal.err(
        `  ${name}: ${done} of ${total}, ${rate}/s, ${Math.ceil((total - done) / rate)} s left\n`,
      );
    },
    stop: () => {},
  };
}
