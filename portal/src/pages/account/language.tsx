import { useState } from "react";
import { useAccount } from "../../app/account.ts";
import { useSignedIn } from "../../app/context.ts";
import { Failed } from "../../app/failed.tsx";
import { Page } from "../../app/page.tsx";
import { useSending } from "../../app/sending.ts";
import { ChoiceField } from "../../design/fields.tsx";
import { Button, Notice } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { language, sections } = words.account;

type Language = keyof typeof language.choices;
const isLanguage = (code: string): code is Language => Object.hasOwn(language.choices, code);
const languages = Object.keys(language.choices).filter(isLanguage);

/** The language that the person likes to read. */
export function Component() {
  const account = useAccount();
  const { me } = useSignedIn();
  const [chosen, setChosen] = useState<Language>(
    languages.find((code) => code === me.language) ?? "en",
  );
  const [isSaved, setIsSaved] = useState(false);
  const { isBusy, failure, submit } = useSending(true, {
    send: () => account.setLanguage(chosen),
    sent: () => setIsSaved(true),
  });
  return (
    <Page title={words.account.title} heading={sections.language} lead={language.lead}>
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <ChoiceField
          label={language.label}
          choices={languages.map((value) => ({ value, name: language.choices[value] }))}
          value={chosen}
          onChange={(value) => {
            setIsSaved(false);
            setChosen(value);
          }}
        />
        <p className="field-help">{language.note}</p>
        {failure === null ? null : <Failed failure={failure} />}
        {isSaved ? <Notice tone="ok" title={language.saved} /> : null}
        <div className="actions">
          <Button type="submit" isBusy={isBusy}>
            {isBusy ? language.saving : language.save}
          </Button>
        </div>
      </form>
    </Page>
  );
}
