import { useState } from "react";
import type { ChartDecisionAsked, ChartSide } from "../../../../src/core/wire.ts";
import { useCharts } from "../../app/charts.ts";
import { Failed } from "../../app/failed.tsx";
import { useSending } from "../../app/sending.ts";
import { ChoiceField, LongTextField, type Choice } from "../../design/fields.tsx";
import { Button } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { charts } = words;

type Decision = "keep-first" | "keep-second" | "distinct" | "unmerge";

function askedOf(
  decision: Decision,
  { one, other }: { readonly one: ChartSide; readonly other: ChartSide },
  reason: string,
): ChartDecisionAsked {
  const [survivor, merged] = decision === "keep-second" ? [other, one] : [one, other];
  return {
    kind: decision === "distinct" || decision === "unmerge" ? decision : "merge",
    survivor: survivor.id,
    survivorVersion: survivor.version,
    other: merged.id,
    otherVersion: merged.version,
    reason,
  };
}

/** Recording what a person decided: the system proposes, and never merges by itself. */
export function Decide(props: {
  readonly one: ChartSide;
  readonly other: ChartSide;
  readonly isMerged: boolean;
  readonly changed: () => void;
}) {
  const { one, other, isMerged, changed } = props;
  const server = useCharts();
  const [decision, setDecision] = useState<Decision>(isMerged ? "unmerge" : "distinct");
  const [reason, setReason] = useState("");
  const choices: readonly Choice<Decision>[] = isMerged
    ? [{ value: "unmerge", name: charts.part }]
    : [
        { value: "distinct", name: charts.distinct },
        { value: "keep-first", name: charts.keepFirst },
        { value: "keep-second", name: charts.keepSecond },
      ];
  const wrong = reason.trim() === "" ? charts.reasonMissing : null;

  const { isTried, isBusy, failure, submit } = useSending(wrong === null, {
    send: () => server.decide(askedOf(decision, { one, other }, reason.trim())),
    sent: changed,
  });

  return (
    <form
      className="form decide"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <ChoiceField
        label={charts.decision}
        choices={choices}
        value={decision}
        onChange={setDecision}
      />
      <LongTextField
        label={charts.reason}
        help={charts.reasonHelp}
        value={reason}
        onChange={setReason}
        wrong={isTried ? wrong : null}
      />
      {failure === null ? null : <Failed failure={failure} again={changed} />}
      <div className="actions">
        <Button type="submit" isBusy={isBusy}>
          {isBusy ? charts.recording : charts.record}
        </Button>
      </div>
    </form>
  );
}
