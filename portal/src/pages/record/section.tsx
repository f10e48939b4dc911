import type { ReactNode } from "react";
import { useParams } from "react-router";
import { useArrival } from "../../app/page.tsx";
import { words } from "../../words/en.ts";
import { Documents } from "./documents.tsx";
import { Allergies, Immunisations, Medicines, Problems, Visits } from "./lists.tsx";
import { PrintButton } from "./print-button.tsx";
import { useRecord } from "./record-context.ts";
import { Results } from "./results.tsx";
import { parseSection, type SectionId } from "./sections.ts";

const bodies = {
  problems: Problems,
  medicines: Medicines,
  allergies: Allergies,
  immunisations: Immunisations,
  results: Results,
  visits: Visits,
  documents: Documents,
} as const satisfies Record<SectionId, () => ReactNode>;

/** One part of the record, by the last part of the address. */
export function Section() {
  const { section = "" } = useParams();
  const id = parseSection(section);
  if (id === null) return <UnknownSection />;
  const Body = bodies[id];
  return (
    <>
      <SectionHead key={id} id={id} />
      <Body key={`${id} body`} />
    </>
  );
}

function UnknownSection() {
  const { title, text } = words.record.unknownSection;
  const heading = useArrival<HTMLHeadingElement>(title);
  return (
    <>
      <h1 ref={heading} tabIndex={-1} className="section-title">
        {title}
      </h1>
      <p>{text}</p>
    </>
  );
}

function SectionHead({ id }: { readonly id: SectionId }) {
  const { isCare } = useRecord();
  const { name, about } = words.sections[id];
  const heading = useArrival<HTMLHeadingElement>(name);
  return (
    <header className="section-head">
      <div>
        <h1 ref={heading} tabIndex={-1} className="section-title">
          {name}
        </h1>
        {isCare ? null : <p className="section-about">{about}</p>}
      </div>
      <PrintButton />
    </header>
  );
}
