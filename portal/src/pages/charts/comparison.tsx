import type { ChartEvidence, ChartSide } from "../../../../src/core/wire.ts";
import { useApp } from "../../app/context.ts";
import { Badge } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { charts } = words;

/** Which field of the evidence speaks of which line of the table. */
const lines = [
  { name: charts.name, fields: ["family", "given"] },
  { name: charts.born, fields: ["birthDate", "birthOrder"] },
  { name: charts.gender, fields: ["gender"] },
  { name: charts.numbers, fields: ["identifier", "lifelong"] },
  { name: charts.contact, fields: ["phone", "email"] },
  { name: charts.address, fields: ["home"] },
] as const;

type Value = (side: ChartSide, day: (text: string) => string) => readonly string[];
const values: readonly Value[] = [
  ({ name }) => (name === null ? [] : [name]),
  ({ birthDate }, day) => (birthDate === null ? [] : [day(birthDate)]),
  ({ gender }) => (gender === null ? [] : [gender]),
  ({ identifiers }) => identifiers,
  ({ telecom }) => telecom,
  ({ addresses }) => addresses,
];

/** Two charts side by side, line by line, with what speaks for one person and what against. */
export function Comparison(props: {
  readonly one: ChartSide;
  readonly other: ChartSide;
  readonly evidence: readonly ChartEvidence[];
}) {
  const { one, other, evidence } = props;
  const { dates } = useApp();
  const day = (text: string): string => dates.day(text);
  return (
    <table className="charts">
      <thead>
        <tr>
          <th scope="col">{charts.what}</th>
          <th scope="col">{charts.first}</th>
          <th scope="col">{charts.second}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ name, fields }, at) => (
          <tr key={name}>
            <th scope="row">
              {name}
              <Verdict found={evidence.filter(({ field }) => isOf(fields, field))} />
            </th>
            <Cell side={charts.first} texts={values[at]?.(one, day) ?? []} />
            <Cell side={charts.second} texts={values[at]?.(other, day) ?? []} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const isOf = (fields: readonly string[], field: string): boolean => fields.includes(field);

function Cell({ side, texts }: { readonly side: string; readonly texts: readonly string[] }) {
  return (
    <td data-side={side}>
      {texts.length === 0 ? <span className="item-when">{charts.unknown}</span> : null}
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </td>
  );
}

function Verdict({ found }: { readonly found: readonly ChartEvidence[] }) {
  if (found.length === 0) return null;
  if (found.some(({ verdict }) => verdict === "differ"))
    return <Badge tone="high">{charts.differs}</Badge>;
  const isSame = found.every(({ verdict }) => verdict === "same");
  return <Badge tone={isSame ? "ok" : "low"}>{isSame ? charts.same : charts.similar}</Badge>;
}
