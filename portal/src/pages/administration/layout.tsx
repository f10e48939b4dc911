import { Outlet } from "react-router";
import { problemFailure } from "../../api/failure.ts";
import { useSignedIn } from "../../app/context.ts";
import { Failed } from "../../app/failed.tsx";
import { Page } from "../../app/page.tsx";
import { SectionMenu } from "../../app/section-menu.tsx";
import { administers } from "../../session/me.ts";
import { words } from "../../words/en.ts";

const { administration } = words;

/** For administrators: accounts, and the apps that may ask for tokens. */
export function Component() {
  const { me } = useSignedIn();
  if (!administers(me))
    return (
      <Page title={administration.title}>
        <Failed failure={problemFailure("forbidden")} />
      </Page>
    );
  const { sections } = administration;
  return (
    <div className="record-body">
      <SectionMenu
        label={administration.sectionsLabel}
        links={[
          { to: "/administration", icon: "people", name: sections.people },
          { to: "/administration/apps", icon: "apps", name: sections.apps },
        ]}
      />
      <div className="record-section">
        <Outlet />
      </div>
    </div>
  );
}
