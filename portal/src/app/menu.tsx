import { Link, NavLink, useNavigate } from "react-router";
import { Icon, type IconName } from "../design/icon.tsx";
import { Button } from "../design/parts.tsx";
import { administers, hasRecord, isClinician, keepsRegister } from "../session/me.ts";
import { emergencyWords } from "../words/emergency.ts";
import { words } from "../words/en.ts";
import { useApp, useSignedIn } from "./context.ts";

const { nav } = words;

/** Along the top where there is room, in thumb's reach at the bottom of a phone; none for a single page. */
export function Menu() {
  const { me } = useSignedIn();
  const all: readonly { to: string; icon: IconName; name: string; isShown: boolean }[] = [
    { to: "/home", icon: "home", name: nav.home, isShown: !isClinician(me) },
    { to: "/patients", icon: "people", name: nav.patients, isShown: isClinician(me) },
    { to: "/record", icon: "record", name: nav.record, isShown: hasRecord(me) },
    { to: "/access", icon: "eye", name: nav.access, isShown: hasRecord(me) },
    { to: "/download", icon: "down", name: nav.copies, isShown: hasRecord(me) },
    { to: "/duplicates", icon: "people", name: nav.charts, isShown: keepsRegister(me) },
    {
      to: "/administration",
      icon: "person",
      name: nav.administration,
      isShown: administers(me),
    },
    {
      to: "/emergencies",
      icon: "warning",
      name: emergencyWords.nav,
      isShown: keepsRegister(me),
    },
    { to: "/register", icon: "documents", name: nav.register, isShown: keepsRegister(me) },
  ];
  const items = all.filter(({ isShown }) => isShown);
  return (
    <>
      {items.length < 2 ? null : (
        <nav className="menu" aria-label={words.menu}>
          <ul className="menu-items">
            {items.map(({ to, icon, name }) => (
              <li key={to}>
                <NavLink to={to} className="menu-item">
                  <Icon name={icon} size={22} />
                  <span>{name}</span>
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
      )}
      <SignOut name={me.displayName} />
    </>
  );
}

function SignOut({ name }: { readonly name: string }) {
  const { session } = useApp();
  const navigate = useNavigate();
  const leave = async (): Promise<void> => {
    const ended = session.end("signed-out");
    // The page is left at once, whatever the server says.
    await navigate("/", { replace: true });
    await ended;
  };
  return (
    <div className="account">
      <Link className="account-link" to="/account" aria-label={nav.accountOf(name)}>
        <Icon name="person" />
        <span className="account-name">{name}</span>
      </Link>
      <Button look="plain" icon="leave" onPress={() => void leave()}>
        {nav.signOut}
      </Button>
    </div>
  );
}
