import { Checkbox } from "react-aria-components/Checkbox";
import { CheckboxGroup } from "react-aria-components/CheckboxGroup";
import { FieldError } from "react-aria-components/FieldError";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { SearchField as AriaSearchField } from "react-aria-components/SearchField";
import { Radio, RadioGroup } from "react-aria-components/RadioGroup";
import { Text } from "react-aria-components/Text";
import { TextArea } from "react-aria-components/TextArea";
import { TextField as AriaTextField } from "react-aria-components/TextField";
import { Icon } from "./icon.tsx";

export interface TextFieldProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly help?: string;
  /** What is wrong with the value; null when nothing is. */
  readonly wrong?: string | null;
  readonly type?: "text" | "password" | "date" | "url";
  readonly autoComplete: string;
  readonly inputMode?: "text" | "numeric";
  readonly maxLength: number;
  readonly autoFocus?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { label, help, wrong = null, type = "text", inputMode = "text", ...rest } = props;
  return (
    <AriaTextField
      {...rest}
      type={type}
      inputMode={inputMode}
      className="field"
      isInvalid={wrong !== null}
      validationBehavior="aria"
    >
      <Label className="field-label">{label}</Label>
      <Input className="field-input" />
      {help === undefined ? null : (
        <Text slot="description" className="field-help">
          {help}
        </Text>
      )}
      <FieldError className="field-wrong">{wrong}</FieldError>
    </AriaTextField>
  );
}

export function SearchField(props: {
  readonly label: string;
  readonly help: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const { label, help, value, onChange } = props;
  return (
    <AriaSearchField className="field search" value={value} onChange={onChange} maxLength={200}>
      <Label className="field-label">{label}</Label>
      <div className="search-box">
        <Icon name="search" />
        <Input className="field-input" autoComplete="off" spellCheck="false" />
      </div>
      <Text slot="description" className="field-help">
        {help}
      </Text>
    </AriaSearchField>
  );
}

/** Longest text that a person may write into one field, in characters. */
const longTextCharacters = 4_000;

/** Several lines of words. */
export function LongTextField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly help?: string;
  readonly wrong?: string | null;
}) {
  const { label, value, onChange, help, wrong = null } = props;
  return (
    <AriaTextField
      className="field"
      value={value}
      onChange={onChange}
      isInvalid={wrong !== null}
      validationBehavior="aria"
      maxLength={longTextCharacters}
    >
      <Label className="field-label">{label}</Label>
      <TextArea className="field-input field-long" rows={4} />
      {help === undefined ? null : (
        <Text slot="description" className="field-help">
          {help}
        </Text>
      )}
      <FieldError className="field-wrong">{wrong}</FieldError>
    </AriaTextField>
  );
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly name: string;
  readonly about?: string;
}

/** One of a few, all in sight. */
export function ChoiceField<T extends string>(props: {
  readonly label: string;
  readonly choices: readonly Choice<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}) {
  const { label, choices, value, onChange } = props;
  return (
    <RadioGroup
      className="field"
      value={value}
      onChange={(chosen) => {
        const choice = choices.find((each) => each.value === chosen);
        if (choice !== undefined) onChange(choice.value);
      }}
    >
      <Label className="field-label">{label}</Label>
      {choices.map((choice) => (
        <Radio key={choice.value} value={choice.value} className="choice">
          <span className="choice-mark choice-round" aria-hidden="true" />
          <span>{choice.name}</span>
        </Radio>
      ))}
    </RadioGroup>
  );
}

/** Any of a few, all in sight. */
export function ChoicesField<T extends string>(props: {
  readonly label: string;
  readonly choices: readonly Choice<T>[];
  readonly value: readonly T[];
  readonly onChange: (value: readonly T[]) => void;
  readonly wrong?: string | null;
}) {
  const { label, choices, value, onChange, wrong = null } = props;
  return (
    <CheckboxGroup
      className="field"
      value={[...value]}
      isInvalid={wrong !== null}
      validationBehavior="aria"
      onChange={(chosen) =>
        onChange(choices.flatMap((each) => (chosen.includes(each.value) ? each.value : [])))
      }
    >
      <Label className="field-label">{label}</Label>
      {choices.map(({ value: name, name: words, about }) => (
        <Checkbox key={name} value={name} className="choice">
          <span className="choice-mark" aria-hidden="true" />
          <span>
            {words}
            {about === undefined ? null : <span className="choice-about"> ({about})</span>}
          </span>
        </Checkbox>
      ))}
      <FieldError className="field-wrong">{wrong}</FieldError>
    </CheckboxGroup>
  );
}

/** Yes or no. */
export function CheckField(props: {
  readonly label: string;
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}) {
  const { label, value, onChange } = props;
  return (
    <Checkbox className="choice" isSelected={value} onChange={onChange}>
      <span className="choice-mark" aria-hidden="true" />
      <span>{label}</span>
    </Checkbox>
  );
}
