import {
  CartesianGrid,
  Line,
  LineChart,
  ReferenceArea,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { useApp } from "../../app/context.ts";
import type { Series } from "../../fhir/tests.ts";
import { words } from "../../words/en.ts";
import { ticksOf } from "./axis.ts";

const { results } = words.record;
const heightPixels = 240;

/** Values over time, with the usual range behind them. The table below says the same in words. */
export function Chart({
  name,
  series,
}: {
  readonly name: string;
  readonly series: readonly Series[];
}) {
  const { dates } = useApp();
  const times = series.flatMap(({ points }) => points.map(({ at }) => at));
  const day = (at: number): string => dates.day(new Date(at).toISOString());
  const label = results.chartLabel(
    name,
    times.length,
    day(Math.min(...times)),
    day(Math.max(...times)),
  );
  const [only] = series;
  const band = series.length === 1 && only !== undefined ? bandOf(only) : null;
  const ticks = axisTicks(series, band);
  const isCrowded = times.length > crowdedPoints;
  return (
    <figure className="chart">
      <div role="img" aria-label={label}>
        <ResponsiveContainer width="100%" height={heightPixels} initialDimension={start}>
          <LineChart
            data={rowsOf(series)}
            margin={{ top: 8, right: 16, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <CartesianGrid stroke="var(--line)" vertical={false} />
            {band === null ? null : (
              <ReferenceArea
                {...(band.low === null ? {} : { y1: band.low })}
                {...(band.high === null ? {} : { y2: band.high })}
                fill="var(--ok-soft)"
                fillOpacity={1}
                ifOverflow="hidden"
              />
            )}
            <XAxis
              dataKey="at"
              type="number"
              scale="time"
              domain={["dataMin", "dataMax"]}
              tickFormatter={(at: number) => dates.month(at)}
              stroke="var(--ink-soft)"
              tick={tick}
              minTickGap={24}
              padding={{ left: 12, right: 12 }}
            />
            <YAxis
              width={52}
              stroke="var(--ink-soft)"
              tick={tick}
              axisLine={false}
              tickLine={false}
              domain={[ticks[0] ?? 0, ticks.at(-1) ?? 1]}
              ticks={ticks}
              tickFormatter={(value: number) => dates.number(value)}
            />
            <Tooltip
              isAnimationActive={false}
              labelFormatter={(at) => day(Number(at))}
              formatter={(value) => dates.number(Number(value))}
              contentStyle={tooltip}
              itemStyle={tooltipItem}
              cursor={{ stroke: "var(--line-strong)" }}
            />
            {series.map(({ key, name: line }, place) => (
              <Line
                key={key}
                dataKey={key}
                name={line}
                stroke={lineColours[place % lineColours.length] ?? "var(--brand)"}
                {...(place === 0 ? {} : { strokeDasharray: "6 4" })}
                strokeWidth={2.5}
                dot={isCrowded ? smallDot : dot}
                activeDot={{ r: 6 }}
                isAnimationActive={false}
                connectNulls
                type="linear"
              />
            ))}
          </LineChart>
        </ResponsiveContainer>
      </div>
      <figcaption className="chart-words">
        {only?.unit === null || only === undefined ? null : (
          <span>{results.chartUnit(only.unit)}</span>
        )}
        {series.length > 1
          ? series.map(({ key, name: line }, place) => (
              <span
                key={key}
                className={`chart-line chart-line-${place === 0 ? "whole" : "broken"}`}
              >
                {line}
              </span>
            ))
          : null}
        {band === null ? null : <span className="chart-band">{results.usualBand}</span>}
      </figcaption>
    </figure>
  );
}

/** Beyond this many, large dots would hide each other. */
const crowdedPoints = 24;
const dot = { r: 4, strokeWidth: 2, strokeDasharray: "0", fill: "var(--surface)" };
const smallDot = { ...dot, r: 2.5 };
const start = { width: 320, height: heightPixels };
const tick = { fill: "var(--ink-soft)", fontSize: 13 };
const tooltip = {
  background: "var(--surface)",
  border: "1px solid var(--line)",
  borderRadius: "0.5rem",
  color: "var(--ink)",
};
const tooltipItem = { color: "var(--ink)" };
const lineColours = ["var(--brand)", "var(--low)", "var(--high)", "var(--danger)"];

type Row = Readonly<Record<string, number>>;

/** One row a moment, with the value of each line that has one then. */
function rowsOf(series: readonly Series[]): Row[] {
  const rows = new Map<number, Record<string, number>>();
  for (const { key, points } of series) {
    for (const { at, value } of points) rows.set(at, { ...rows.get(at), at, [key]: value });
  }
  return [...rows.values()].toSorted((a, b) => (a["at"] ?? 0) - (b["at"] ?? 0));
}

/** The usual range; null on a side where it has no end. */
interface Band {
  readonly low: number | null;
  readonly high: number | null;
}

function bandOf({ range, unit }: Series): Band | null {
  if (range === null || (range.unit !== null && unit !== null && range.unit !== unit)) return null;
  if (range.low === null && range.high === null) return null;
  return { low: range.low, high: range.high };
}

function axisTicks(series: readonly Series[], band: Band | null): number[] {
  const values = series.flatMap(({ points }) => points.map(({ value }) => value));
  const ends = [band?.low, band?.high].filter((one) => typeof one === "number");
  return [...ticksOf([...values, ...ends])];
}
