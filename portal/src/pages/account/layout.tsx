import { Outlet } from "react-router";
import { useSignedIn } from "../../app/context.ts";
import { SectionMenu, type SectionLink } from "../../app/section-menu.tsx";
import { hasRecord } from "../../session/me.ts";
import { words } from "../../words/en.ts";

const { account } = words;

/** The person's own account: how she signs in, where, and whom and what she lets in. */
export function Component() {
  const { me } = useSignedIn();
  const { sections } = account;
  const links: readonly SectionLink[] = [
    { to: "/account", icon: "key", name: sections.signIn },
    { to: "/account/devices", icon: "device", name: sections.devices },
    { to: "/account/apps", icon: "apps", name: sections.apps },
    ...(hasRecord(me)
      ? [{ to: "/account/people", icon: "people", name: sections.people } as const]
      : []),
    { to: "/account/language", icon: "words", name: sections.language },
  ];
  return (
    <div className="record-body">
      <SectionMenu label={account.sectionsLabel} links={links} />
      <div className="record-section">
        <Outlet />
      </div>
    </div>
  );
}
