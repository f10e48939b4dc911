import { FieldError } from "react-aria-components/FieldError";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { SearchField as AriaSearchField } from "react-aria-components/SearchField";
import { Text } from "react-aria-components/Text";
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
  readonly type?: "text" | "password";
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
