import { Link } from "react-router";
import { useArrival } from "../../app/page.tsx";
import { Icon } from "../../design/icon.tsx";
import { words } from "../../words/en.ts";
import { useRecord } from "./record-context.ts";
import { sectionIds } from "./sections.ts";

/** The doors to all parts of a record. */
export function Summary() {
  const { base } = useRecord();
  const heading = useArrival<HTMLHeadingElement>(words.record.title);
  return (
    <>
      <h1 ref={heading} tabIndex={-1} className="section-title">
        {words.sections.summary.name}
      </h1>
      <SectionCards base={base} />
    </>
  );
}

export function SectionCards({ base }: { readonly base: string }) {
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
              <span className="tile-about">{words.sections[id].about}</span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
