import { Link } from "react-router";
import { useArrival } from "../../app/page.tsx";
import { Icon } from "../../design/icon.tsx";
import { words } from "../../words/en.ts";
import { useRecord } from "./record-context.ts";
import { sectionIds } from "./sections.ts";

/** The doors to all parts of a record. */
export function Summary() {
  const { base, isCare } = useRecord();
  const heading = useArrival<HTMLHeadingElement>(words.record.title);
  return (
    <>
      <h1 ref={heading} tabIndex={-1} className="section-title">
        {words.sections.summary.name}
      </h1>
      <SectionCards base={base} isCare={isCare} />
    </>
  );
}

export function SectionCards({
  base,
  isCare = false,
}: {
  readonly base: string;
  readonly isCare?: boolean;
}) {
  return (
    <ul className="tiles">
      {sectionIds.map((id) => (
        <li key={id}>
          <Link className="tile" to={`${base}/${id}`}>
            <span className="tile-icon">
              <Icon name={id} size={24} />
            </span>
            <span className="tile-words">
              <span className="tile-name">{words.sections[id].name}</span>
              {isCare ? null : <span className="tile-about">{words.sections[id].about}</span>}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
