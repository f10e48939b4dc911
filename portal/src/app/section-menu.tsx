import { useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router";
import { Icon, type IconName } from "../design/icon.tsx";

export interface SectionLink {
  readonly to: string;
  readonly icon: IconName;
  readonly name: string;
}

/** The parts of what is open: at the side where there is room, a strip on a phone. */
export function SectionMenu(props: {
  readonly label: string;
  /** The first is where one lands: its address is the beginning of all others. */
  readonly links: readonly SectionLink[];
}) {
  const { label, links } = props;
  const { pathname } = useLocation();
  const strip = useRef<HTMLUListElement>(null);
  // The open section must not lie outside of the strip.
  useEffect(() => {
    const open = strip.current?.querySelector<HTMLElement>("[aria-current=page]");
    if (open === null || open === undefined || strip.current === null) return;
    strip.current.scrollTo({ left: open.offsetLeft - 16 });
  }, [pathname]);
  return (
    <nav className="section-menu" aria-label={label}>
      <ul className="section-items" ref={strip}>
        {links.map(({ to, icon, name }, index) => (
          <li key={to}>
            <NavLink to={to} end={index === 0} className="section-item">
              <Icon name={icon} />
              {name}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
