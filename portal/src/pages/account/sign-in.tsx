import { Page } from "../../app/page.tsx";
import { words } from "../../words/en.ts";
import { Passkeys } from "./passkeys.tsx";
import { RecoveryCodes } from "./recovery-codes.tsx";

/** How the person signs in. */
export function Component() {
  return (
    <Page title={words.account.title} heading={words.account.sections.signIn}>
      <Passkeys />
      <RecoveryCodes />
    </Page>
  );
}
